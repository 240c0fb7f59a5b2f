import type { MemberId } from "./reading.ts";
import type { SummaryKind } from "./summary.ts";
import type { Instant } from "./time.ts";

export type OfferId = string & { readonly __offer: unique symbol };

/** A W3C DPV 2 purpose, for example `dpv:FulfilmentOfContractualObligation`. */
export type Purpose = string;

/** What a co-op proposes to share. */
export interface Offer {
  readonly id: OfferId;
  readonly title: string;
  readonly kind: SummaryKind;
  readonly purpose: Purpose;
  /** The id of the one who receives; its key is pinned by the site file. */
  readonly recipient: string;
  /** Days that the recipient may keep it. */
  readonly retentionDays: number;
}

/** The offers that the co-op voted. */
export interface Policy {
  readonly version: number;
  readonly offers: readonly Offer[];
}

/** A member's yes to one offer under one policy version, until it is withdrawn or expires. */
export interface Consent {
  readonly member: MemberId;
  readonly offer: OfferId;
  readonly purpose: Purpose;
  readonly recipient: string;
  readonly policyVersion: number;
  readonly given: Instant;
  readonly expires: Instant;
  readonly withdrawn?: Instant;
}

export type DenyReason =
  | "clockUntrusted"
  | "noPolicy"
  | "noOffer"
  | "kindMismatch"
  | "recipientMismatch"
  | "purposeMismatch"
  | "noConsent"
  | "consentExpired"
  | "consentWithdrawn"
  | "consentOtherPolicy"
  | "error";

export type Decision =
  | { readonly kind: "release"; readonly offer: OfferId; readonly members: readonly MemberId[] }
  | { readonly kind: "deny"; readonly because: DenyReason };
