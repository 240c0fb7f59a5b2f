import { LONGEST_TERM_MS } from "../consent/chain.ts";
import { comparePolicies, labelOf, type Change, type Effect } from "../consent/compare.ts";
import { addMs, type Instant, type VotedPolicy } from "../model/index.ts";
import type { GovernanceReason } from "./reasons.ts";
import { thresholdFor, voteFault, type Tally, type VotingRule } from "./vote.ts";

/** So many of the officers sign a certificate. */
export const SIGNATURES_LEAST = 2;
const DAY_MS = 86_400_000;

/** What the officers sign: that this policy was voted so, and from when until when it holds. */
export interface Claims {
  readonly policy: string;
  readonly policyVersion: number;
  readonly previous: string | null;
  /** The hash of the proposal as members read it. */
  readonly proposal: string;
  readonly tally: Tally;
  readonly rule: VotingRule;
  readonly electorateRoot: string;
  readonly closed: Instant;
  readonly certified: Instant;
  readonly effective: Instant;
  readonly sunset: Instant;
}

/** A signature as it was looked at: whose it claims to be, whether that is an officer, and whether it verifies. */
export interface LookedAt {
  readonly officer: string;
  readonly known: boolean;
  readonly verifies: boolean;
}

/** The policy that a certificate follows, and from when that one holds. */
export interface Before {
  readonly policy: VotedPolicy;
  readonly effective: Instant;
}

export interface CertificateCase {
  readonly claims: Claims;
  readonly signatures: readonly LookedAt[];
  readonly policy: VotedPolicy;
  /** The newest of the chain; undefined for the policy that founds it. */
  readonly before: Before | undefined;
  /** What the co-op's rule is; undefined where the rule that the officers signed is enough. */
  readonly rule?: VotingRule;
}

/**
 * What a policy changes. The first one is held against a policy that offers nothing: everything in it is new.
 * The label is always computed from the two policies, never believed.
 */
export function changesOf(before: VotedPolicy | undefined, policy: VotedPolicy): readonly Change[] {
  return comparePolicies(before ?? nothingOf(policy), policy);
}

function nothingOf({ epsilonCaps: _, ...policy }: VotedPolicy): VotedPolicy {
  return { ...policy, offers: [], prohibitions: [] };
}

export const labelFor = (before: VotedPolicy | undefined, policy: VotedPolicy): Effect =>
  labelOf(changesOf(before, policy));

/**
 * From when and until when a policy may hold that is certified now: no sooner than written in it, than the rule's delay
 * allows and than the policy that it follows, for twelve months at most. The policy that founds the chain needs no
 * delay: under no older one are anybody's data released (docs/decisions/0013).
 */
export function termOf(
  policy: VotedPolicy,
  {
    certified,
    rule,
    before,
  }: { readonly certified: Instant; readonly rule: VotingRule; readonly before: Before | undefined },
): { readonly effective: Instant; readonly sunset: Instant } {
  const soonest = addMs(certified, delayDays(policy, rule, before) * DAY_MS);
  const effective = latest([policy.effective, soonest, ...(before ? [before.effective] : [])]);
  const longest = addMs(effective, LONGEST_TERM_MS);
  return { effective, sunset: longest < policy.sunset ? longest : policy.sunset };
}

const latest = (times: readonly [Instant, ...Instant[]]): Instant => times.reduce((a, b) => (b > a ? b : a));

const delayDays = (policy: VotedPolicy, rule: VotingRule, before: Before | undefined): number =>
  before === undefined ? 0 : thresholdFor(rule, labelFor(before.policy, policy)).delayDays;

/** The first fault of a certificate, whatever the time is now, or undefined. */
export function certificateFault(one: CertificateCase): GovernanceReason | undefined {
  return (
    linkFault(one) ??
    signatureFault(one.signatures) ??
    ruleFault(one) ??
    voteFault(one.claims.tally, one.claims.rule, labelFor(one.before?.policy, one.policy)) ??
    termFault(one)
  );
}

function linkFault({ claims, policy, before }: CertificateCase): GovernanceReason | undefined {
  if (claims.policy !== policy.hash) return "wrongHash";
  if (claims.policyVersion !== policy.version || claims.previous !== policy.previous) return "chainBroken";
  if (before === undefined)
    return policy.version === 1 && policy.previous === null ? undefined : "chainBroken";
  const { version, hash } = before.policy;
  if (policy.version <= version || policy.previous !== hash) return "rollback";
  return policy.version === version + 1 ? undefined : "chainBroken";
}

function signatureFault(signatures: readonly LookedAt[]): GovernanceReason | undefined {
  if (new Set(signatures.map(({ officer }) => officer)).size !== signatures.length) return "sameOfficerTwice";
  if (!signatures.every(({ known }) => known)) return "unknownOfficer";
  if (!signatures.every(({ verifies }) => verifies)) return "badSignature";
  return signatures.length < SIGNATURES_LEAST ? "tooFewSignatures" : undefined;
}

function ruleFault({ claims, rule }: CertificateCase): GovernanceReason | undefined {
  return rule === undefined || sameRule(claims.rule, rule) ? undefined : "ruleMismatch";
}

export function sameRule(a: VotingRule, b: VotingRule): boolean {
  const numbers = ({ quorum, tighten, loosen }: VotingRule) => [
    ...[quorum, tighten.majority, loosen.majority].flatMap((f) => [f.numerator, f.denominator]),
    ...[tighten.delayDays, loosen.delayDays].map(BigInt),
  ];
  const right = numbers(b);
  return numbers(a).every((value, at) => value === right[at]);
}

/** Each comparison is written so that a time that is not a number is a fault. */
function termFault({ claims, policy, before }: CertificateCase): GovernanceReason | undefined {
  const { closed, certified, effective, sunset, rule } = claims;
  if (!(certified >= closed)) return "delayTooShort";
  if (before !== undefined && !(effective >= before.effective)) return "overtakesPrevious";
  if (!(effective - certified >= delayDays(policy, rule, before) * DAY_MS)) return "delayTooShort";
  if (!(sunset > effective && effective >= policy.effective && sunset <= policy.sunset)) return "termInvalid";
  return sunset - effective <= LONGEST_TERM_MS ? undefined : "termTooLong";
}

/** Why a certificate that holds is not in force now, or undefined. */
export function timeFault(
  { effective, sunset }: Pick<Claims, "effective" | "sunset">,
  now: Instant,
): "notYetEffective" | "sunsetPassed" | undefined {
  if (!(now < sunset)) return "sunsetPassed";
  return now >= effective ? undefined : "notYetEffective";
}
