import type { DatabaseSync } from "node:sqlite";
import { memberId, type Clock } from "../../domain/model/index.ts";
import { publicKeyToText } from "../../protocol/keys.ts";
import type { ReceiptFacts } from "../../protocol/receipts/index.ts";
import type { Identity } from "../site/identity.ts";
import { consentRecords, keptPolicies } from "./consents.ts";

export interface ReceiptSource {
  readonly site: { readonly id: string; readonly name: string };
  readonly store: { readonly read: DatabaseSync };
  readonly clock: Pick<Clock, "now">;
  readonly identity: Identity;
}

/** What the receipts of one consent say; undefined where the member has no such consent. */
export function receiptFacts(
  { site, store, clock, identity }: ReceiptSource,
  { id, member, language }: { readonly id: number; readonly member: string; readonly language: string },
): ReceiptFacts | undefined {
  const consent = consentRecords(store.read, memberId(member)).find((one) => one.id === id);
  if (!consent) return undefined;
  // Only the policy that it was given under says what was agreed.
  const policy = keptPolicies(store.read)(consent.policyHash);
  const offer = policy?.offers.find((one) => one.id === consent.offer);
  return {
    site: { id: site.id, name: site.name },
    publicKey: publicKeyToText(identity.keys.publicKey),
    ...{ consent, now: clock.now(), language },
    ...(offer && { offer, kind: offer.kind }),
  };
}
