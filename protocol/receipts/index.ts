/** Consent receipts: one consent in the forms that others read. */
import { canonicalJson } from "../canonical.ts";
import type { KeyPair } from "../keys.ts";
import { dpvReceipt } from "./dpv.ts";
import { timeText, type ReceiptFacts } from "./facts.ts";
import { kantaraReceipt } from "./kantara.ts";
import { odrlAgreement } from "./odrl.ts";
import { seal } from "./sealed.ts";

export { stateOf, type ConsentState, type ReceiptFacts } from "./facts.ts";
export { odrlOffers } from "./odrl.ts";
export { methodOf, sealHolds } from "./sealed.ts";

export const RECEIPT_FORMATS = ["dpv", "kantara", "odrl"] as const;
export type ReceiptFormat = (typeof RECEIPT_FORMATS)[number];

/** The receipt as text, canonical JSON (RFC 8785); that of the DPV is signed by the gateway. */
export function receiptText(facts: ReceiptFacts, format: ReceiptFormat, keys: KeyPair): string {
  switch (format) {
    case "dpv":
      return canonicalJson(seal(dpvReceipt(facts), keys, timeText(facts.now)));
    case "kantara":
      return canonicalJson(kantaraReceipt(facts));
    case "odrl":
      return canonicalJson(odrlAgreement(facts));
  }
}
