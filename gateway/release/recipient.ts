import type { DatabaseSync } from "node:sqlite";
import type { DenyReason, VotedOffer } from "../../domain/model/index.ts";
import { ERASURE_DAYS } from "../erasure/days.ts";
import { isErased, suspendedRecipients } from "../erasure/asked.ts";

/** The one at the other end of the line, as the site file names it. */
export interface Recipient {
  readonly id: string;
  /** Ed25519 public key, base64url. */
  readonly publicKey: string;
  readonly erasureDays?: number;
}

type Named = Pick<VotedOffer, "recipient" | "recipientKey">;

/** Whether an offer is for this hub: by name, and by the key that the policy pins. */
export const isForHub = ({ recipient, recipientKey }: Named, hub: Recipient | undefined): boolean =>
  hub !== undefined && recipient === hub.id && recipientKey === hub.publicKey;

/** Why nothing may go to the recipient of an offer, whoever said yes; `corrects`: the release that this one corrects. */
export type RecipientRefusal = (offer: Named, corrects?: number) => DenyReason | undefined;

/** The recipients as they stand now: who owes an answer about what it was asked to delete gets nothing more. */
export function recipientRefusals(
  db: DatabaseSync,
  { hub, now }: { readonly hub: Recipient | undefined; readonly now: number },
): RecipientRefusal {
  const late = suspendedRecipients(db, { now, days: hub?.erasureDays ?? ERASURE_DAYS });
  const suspended = new Set(late.map(({ recipient }) => recipient));
  return (offer, corrects) => {
    if (!isForHub(offer, hub)) return "recipientUnknown";
    if (suspended.has(offer.recipient)) return "recipientSuspended";
    return corrects !== undefined && isErased(db, corrects) ? "toBeForgotten" : undefined;
  };
}
