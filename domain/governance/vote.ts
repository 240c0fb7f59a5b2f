import {
  compareRationals,
  rational,
  rationalFromText,
  type Instant,
  type MemberId,
  type Rational,
} from "../model/index.ts";
import type { Effect } from "../consent/compare.ts";

/** What a member may say to a proposal. There is no silence among them: who says nothing has not voted. */
export const CHOICES = ["yes", "no", "abstain"] as const;
export type Choice = (typeof CHOICES)[number];

export interface Ballot {
  readonly member: MemberId;
  readonly choice: Choice;
  readonly cast: Instant;
}

/** How many could vote, and what those who did said last. */
export interface Tally {
  readonly electorate: number;
  readonly yes: number;
  readonly no: number;
  readonly abstain: number;
}

/** What it takes to pass, and how long it then waits. */
export interface Threshold {
  /** Of those who said yes or no. One half means more than half; any other fraction is reached when it is met. */
  readonly majority: Rational;
  /** Days between the certificate and the effect. */
  readonly delayDays: number;
}

/** The co-op's own rule. What both tightens and loosens passes as what loosens does. */
export interface VotingRule {
  /** Of the electorate, who must have voted; to abstain is to vote. */
  readonly quorum: Rational;
  readonly tighten: Threshold;
  readonly loosen: Threshold;
}

/**
 * A third: in a co-op network's own history only one proposal ever reached half of its people, so that a quorum of a
 * half would freeze the policy as it is.
 */
export const DEFAULT_RULE: VotingRule = {
  quorum: rationalFromText("1/3"),
  tighten: { majority: rationalFromText("1/2"), delayDays: 0 },
  loosen: { majority: rationalFromText("2/3"), delayDays: 7 },
};

/**
 * Counts the last word of each of the electorate that was cast before the close; whoever else voted counts for nothing.
 * @param ballots in the order in which they came on record
 */
export function tallyOf(
  ballots: readonly Ballot[],
  { electorate, closes }: { readonly electorate: readonly MemberId[]; readonly closes: Instant },
): Tally {
  const voters = new Set(electorate);
  const last = new Map<MemberId, Choice>();
  for (const { member, choice, cast } of ballots)
    if (voters.has(member) && cast < closes) last.set(member, choice);
  const count = (choice: Choice): number => [...last.values()].filter((said) => said === choice).length;
  return { electorate: voters.size, yes: count("yes"), no: count("no"), abstain: count("abstain") };
}

/** The threshold for a label: every doubt is a loosening. */
export const thresholdFor = (rule: VotingRule, label: Effect): Threshold =>
  label === "tighten" || label === "same" ? rule.tighten : rule.loosen;

export type VoteFault = "tallyImpossible" | "quorumNotMet" | "majorityNotMet";

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Why a tally does not carry a policy with this label under this rule, or undefined: it is carried. */
export function voteFault(tally: Tally, rule: VotingRule, label: Effect): VoteFault | undefined {
  const { electorate, yes, no, abstain } = tally;
  if (![electorate, yes, no, abstain].every(isCount) || electorate === 0 || yes + no + abstain > electorate)
    return "tallyImpossible";
  if (isBelow(yes + no + abstain, electorate, rule.quorum)) return "quorumNotMet";
  const { majority } = thresholdFor(rule, label);
  return yes > no && !isBelow(yes, yes + no, majority) ? undefined : "majorityNotMet";
}

/** Whether `part` of `whole` is less than the fraction; exact, for whole numbers. */
const isBelow = (part: number, whole: number, fraction: Rational): boolean =>
  compareRationals(rational(BigInt(part), BigInt(whole)), fraction) < 0;

/** The least whole number of `whole` that reaches the fraction. */
export function leastOf(whole: number, { numerator, denominator }: Rational): number {
  return Number((BigInt(whole) * numerator + denominator - 1n) / denominator);
}

/** What a teller read on a paper ballot. */
export interface PaperEntry {
  readonly member: MemberId;
  readonly teller: string;
  readonly choice: Choice;
}

/**
 * How the paper of one member stands. It counts when two different tellers read the same from it; where they differ,
 * it waits until one of them looks again.
 * @param entries of this member since the last paper that counted, oldest first
 */
export type PaperState =
  | { readonly kind: "counts"; readonly choice: Choice; readonly tellers: readonly [string, string] }
  | { readonly kind: "waits"; readonly for: "secondTeller" | "sameReading" }
  | { readonly kind: "none" };

export function paperState(entries: readonly PaperEntry[]): PaperState {
  const read = new Map<string, Choice>();
  for (const { teller, choice } of entries) {
    read.set(teller, choice);
    const other = [...read].find(([who, said]) => who !== teller && said === choice);
    if (other) return { kind: "counts", choice, tellers: [other[0], teller] };
  }
  if (read.size === 0) return { kind: "none" };
  return { kind: "waits", for: read.size === 1 ? "secondTeller" : "sameReading" };
}
