import { createHash } from "node:crypto";
import { rulesFor, rulesOf, type Rules } from "../../domain/consent/limits.ts";
import {
  GRANULARITIES,
  toIso,
  type Instant,
  type PinnedConsent,
  type SummaryKind,
  type VotedOffer,
} from "../../domain/model/index.ts";

/** All that a receipt of one consent says, whatever its form. */
export interface ReceiptFacts {
  /** The co-op's gateway: who asked for the consent and keeps the record of it. */
  readonly site: { readonly id: string; readonly name: string };
  /** Of the gateway, 32 bytes in base64url: makes the identifiers unique in the world. */
  readonly publicKey: string;
  readonly consent: PinnedConsent & { readonly id: number };
  /** As it was agreed to; absent where the consent is older than the hashes of policies. */
  readonly offer?: VotedOffer;
  readonly kind?: SummaryKind;
  readonly now: Instant;
  /** In which the member was asked. */
  readonly language: string;
}

export type ConsentState = "given" | "withdrawn" | "expired";

export function stateOf({ consent, now }: Pick<ReceiptFacts, "consent" | "now">): ConsentState {
  const { withdrawn, expires } = consent;
  if (withdrawn !== undefined && withdrawn < expires) return "withdrawn";
  return now >= expires ? "expired" : "given";
}

/** A UUID of version 8 (RFC 9562, 5.8), the same for the same thing: ISO/IEC TS 27560 asks for one a record. */
export function identifierOf({ site, publicKey, consent }: ReceiptFacts, what: "record" | "receipt"): string {
  const bytes = createHash("sha256").update(`${publicKey}\n${site.id}\n${consent.id}\n${what}`).digest();
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x80;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return parts.join("-");
}

/** What kind of personal data leaves, in words. */
export const dataWords: Readonly<Record<SummaryKind, string>> = {
  energyInterval: "Energy drawn, sent out, made and used in each quarter hour",
  farmDay: "Weather and soil of each day, with latitude and height",
};

/** What was agreed in the end: the offer, or where the member set a limit, that. */
export const termsOf = ({ consent, offer }: Pick<ReceiptFacts, "consent" | "offer">): Rules | undefined =>
  offer && rulesFor(rulesOf(offer), consent.limits);

/** The kind of data with the terms of this consent, in words. */
export function agreedData(facts: ReceiptFacts): string {
  const { consent, kind } = facts;
  const data = kind ? dataWords[kind] : consent.offer;
  const terms = termsOf(facts);
  if (!terms) return data;
  const { granularity, window, leastMembers } = terms;
  return [
    data,
    `one figure a ${GRANULARITIES[granularity] === "quarterHour" ? "quarter hour" : GRANULARITIES[granularity]}`,
    `about times from ${timeText(window.from)} to ${timeText(window.to)}`,
    ...(leastMembers > 1 ? [`only in a sum over at least ${leastMembers} members`] : []),
  ].join("; ");
}

export const durationOf = (days: number): string => `P${days}D`;

/** An instant as it stands in all forms, whole seconds. */
export const timeText = (time: Instant): string => toIso(time).replace(/\.\d+Z$/, "Z");
