import type { Rational } from "./rational.ts";
import type { MemberId } from "./reading.ts";
import type { DenyReason } from "./reasons.ts";
import type { SummaryKind } from "./summary.ts";
import type { Instant } from "./time.ts";

export type OfferId = string & { readonly __offer: unique symbol };

/** A W3C DPV 2 purpose, for example `dpv:FulfilmentOfContractualObligation`. */
export type Purpose = string;

/** How much time one released figure covers; finest first. */
export const GRANULARITIES = ["quarterHour", "hour", "day", "week", "month"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** What one whole number of a released figure counts. Whole numbers only: fractions go into the unit. */
export const RELEASE_UNITS = ["Wh", "l", "g", "0.1 mm", "0.1 °C", "0.001 m³/m³"] as const;
export type ReleaseUnit = (typeof RELEASE_UNITS)[number];

/** From `from` on, until just before `to`. */
export interface Span {
  readonly from: Instant;
  readonly to: Instant;
}

/** Who stands in the crowd: at least so many members, and none with a larger share of the sum, in whole per cent. */
export interface GroupRule {
  readonly leastMembers: number;
  readonly largestSharePercent: number;
}

/** What a co-op proposes to share, in every lane. */
interface OfferTerms {
  readonly id: OfferId;
  readonly title: string;
  readonly kind: SummaryKind;
  readonly purpose: Purpose;
  /** The id of the one who receives. */
  readonly recipient: string;
  /** Ed25519 public key of the recipient, 32 bytes in base64url: the name alone pins nobody. */
  readonly recipientKey: string;
  /** Days that the recipient may keep it. */
  readonly retentionDays: number;
  readonly granularity: Granularity;
  /** Where the grid of days, weeks and months begins, minutes east of UTC, the same in summer and winter. */
  readonly utcOffsetMinutes: number;
  /** The time that the figures may be about. */
  readonly window: Span;
  readonly unit: ReleaseUnit;
  /** Nothing leaves under this offer from then on. */
  readonly expires: Instant;
}

/** The lane of trade and settlement: one member's exact figures to one counterparty, under a changing pseudonym. */
export interface OwnAccountOffer extends OfferTerms {
  readonly lane: "ownAccount";
}

/** The lane of statistics: a sum over a group, each home counted up to `clamp`, the sum rounded to `round`. */
export interface CollectiveOffer extends OfferTerms {
  readonly lane: "collective";
  readonly group: GroupRule;
  /** The recipient also knows the sum over all members of the request, such as a feeder's meter. */
  readonly recipientKnowsTotal: boolean;
  /** In whole `unit`s. */
  readonly clamp: number;
  readonly round: number;
  /** Absent means exact. Otherwise discrete Laplace noise of scale clamp/epsilon. */
  readonly noise?: { readonly epsilon: Rational };
}

export type VotedOffer = OwnAccountOffer | CollectiveOffer;

/** What is out of the question for every offer that matches all the fields that are present. */
export interface Prohibition {
  readonly purpose?: Purpose;
  readonly recipient?: string;
  readonly kind?: SummaryKind;
}

/** How much epsilon one member may spend: with one recipient for one purpose, and in all. */
export interface EpsilonCaps {
  readonly eachPurposeAndRecipient: Rational;
  readonly inAll: Rational;
}

/** The offers that a co-op voted, as they were voted: one link of a chain of versions. */
export interface VotedPolicy {
  readonly version: number;
  /** SHA-256, hexadecimal, of the canonical JSON (RFC 8785) of the policy as written. */
  readonly hash: string;
  /** The hash of the version before; null for version 1. */
  readonly previous: string | null;
  readonly effective: Instant;
  readonly sunset: Instant;
  readonly offers: readonly VotedOffer[];
  readonly prohibitions: readonly Prohibition[];
  /** Without caps no epsilon may be spent. */
  readonly epsilonCaps?: EpsilonCaps;
}

/** What is decided under at this moment: the policy in force, or why there is none. */
export type ActivePolicy = { readonly policy: VotedPolicy } | { readonly because: DenyReason };

/** Asked at every decision: a policy comes into force, and ends, while the gateway runs. */
export type PolicySource = () => ActivePolicy;

/**
 * What a member allows at most. An absent field sets no limit of the member's own: the offer's rule holds. A limit
 * that is looser than the offer has no effect.
 */
export interface ConsentLimits {
  /** No finer than this. */
  readonly granularity?: Granularity;
  /** Only figures about this time. */
  readonly window?: Span;
  readonly retentionDays?: number;
  readonly leastMembers?: number;
  readonly largestSharePercent?: number;
  readonly clamp?: number;
  readonly round?: number;
  /** Only with noise, and at most this epsilon. */
  readonly epsilon?: Rational;
}

/** Somebody may say yes for a member: in these offers, until then, unless the member or the board revokes it. */
export interface GuardianMandate {
  readonly guardian: string;
  readonly member: MemberId;
  readonly scope: readonly OfferId[] | "all";
  readonly from: Instant;
  readonly until: Instant;
  readonly revoked?: { readonly at: Instant; readonly by: "member" | "board" };
}

/**
 * A member's yes to one offer under the very words that were voted, how far it goes, and until when: it ends by itself,
 * or when it is withdrawn.
 */
export interface PinnedConsent {
  readonly member: MemberId;
  readonly offer: OfferId;
  readonly purpose: Purpose;
  readonly recipient: string;
  readonly policyVersion: number;
  /** Empty for a yes that is older than the hashes of policies: it counts under none. */
  readonly policyHash: string;
  readonly given: Instant;
  readonly expires: Instant;
  readonly withdrawn?: Instant;
  readonly limits: ConsentLimits;
  /** Present where a guardian said it. */
  readonly guardian?: GuardianMandate;
}
