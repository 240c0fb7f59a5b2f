import type { VotedOffer } from "../../domain/model/index.ts";

/** The one at the other end of the line, as the site file names it. */
export interface Recipient {
  readonly id: string;
  /** Ed25519 public key, base64url. */
  readonly publicKey: string;
}

/** Whether an offer is for this hub: by name, and by the key that the policy pins. */
export const isForHub = (
  { recipient, recipientKey }: Pick<VotedOffer, "recipient" | "recipientKey">,
  hub: Recipient | undefined,
): boolean => hub !== undefined && recipient === hub.id && recipientKey === hub.publicKey;
