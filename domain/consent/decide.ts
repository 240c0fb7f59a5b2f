import {
  rational,
  type CollectiveOffer,
  type DenyReason,
  type MemberId,
  type OfferId,
  type Rational,
  type Span,
  type VotedOffer,
} from "../model/index.ts";
import { askedOf, type Moment } from "./asked.ts";
import { canSpend, spend, type EpsilonLedger } from "./budget.ts";
import { clampedSum, isDominated, largestStableGroup, roundToStep, type Candidate } from "./group.ts";
import { guardRefusal, type GuardState } from "./guard.ts";
import { discreteLaplace, type ByteSource } from "./noise.ts";
import { standingOf, type Asked } from "./standing.ts";

/**
 * The decision: may this offer's figure for this window leave now, for whom, and which figure?
 *
 * Policy AND consent, and no is the answer to everything else. Each member's own rules are the meet of the offer and
 * of what they said. Where that is stricter than the offer the member stays out; the product keeps its shape, because
 * a shape that followed the members would tell what they wished. Then the group is asked, then the guard against
 * differencing, then the figure is made. Total: any error inside is a deny. Whole numbers and fractions only.
 */
export interface Question extends Moment {
  readonly request: ReleaseRequest;
  /** Random bytes for an offer with noise; without them it is denied. */
  readonly bytes?: ByteSource;
  /** What was spent so far. */
  readonly ledger: EpsilonLedger;
  /** What was released so far. "nothing" is for a case on paper; whoever sends must say. */
  readonly guard: GuardState | "nothing";
}

export interface ReleaseRequest {
  readonly offer: string;
  readonly window: Span;
  /** Everyone whom the figure could be about, also those whose value is unknown: null, which is not zero. */
  readonly members: readonly { readonly id: MemberId; readonly value: number | null }[];
}

export type ReleaseDecision =
  | {
      readonly kind: "release";
      readonly offer: OfferId;
      /** In ascending order of their ids. */
      readonly members: readonly MemberId[];
      /** In the offer's unit. */
      readonly value: number;
      /** Where epsilon was spent: the ledger to keep before anything is sent. */
      readonly ledger?: EpsilonLedger;
    }
  | { readonly kind: "deny"; readonly because: DenyReason };

export function decide(question: Question): ReleaseDecision {
  try {
    const group = groupOf(question);
    if ("because" in group) return { kind: "deny", because: group.because };
    const refusal =
      group.offer.lane === "collective" ? collectiveRefusal(group, group.offer, question) : undefined;
    if (refusal) return { kind: "deny", because: refusal };
    return figureOf(group, question);
  } catch {
    return { kind: "deny", because: "error" };
  }
}

export interface Group {
  readonly offer: VotedOffer;
  readonly members: readonly Candidate[];
}

/**
 * Who is in, before anything that depends on values is asked, or why nobody is. Taking a consent away or adding a
 * prohibition never adds a member here. Total: an error is a refusal.
 */
export function groupOf(question: Question): Group | { readonly because: DenyReason } {
  try {
    const { request } = question;
    const asked = askedOf(question, request);
    if (typeof asked === "string") return { because: asked };
    const refusal = requestRefusal(request, asked.offer);
    if (refusal) return { because: refusal };
    return gather(asked, question);
  } catch {
    return { because: "error" };
  }
}

function requestRefusal({ members }: ReleaseRequest, { lane }: VotedOffer): DenyReason | undefined {
  if (new Set(members.map(({ id }) => id)).size !== members.length) return "requestInvalid";
  if (!members.every(({ value }) => value === null || (Number.isSafeInteger(value) && value >= 0)))
    return "requestInvalid";
  return lane === "ownAccount" && members.length !== 1 ? "notOneMember" : undefined;
}

/** Those who stand, less those who want a larger group than there is. */
function gather(asked: Asked, question: Question): Group | { readonly because: DenyReason } {
  const { offer } = asked;
  const consents = Map.groupBy(
    question.consents.filter((consent) => consent.offer === offer.id),
    ({ member }) => member,
  );
  const candidates: Candidate[] = [];
  let because: DenyReason = "groupTooSmall";
  for (const { id, value } of question.request.members) {
    const standing = standingOf(consents.get(id) ?? [], asked);
    if (!standing.stands) because = standing.because;
    else if (value === null) because = "valueUnknown";
    else if (!isAffordable(id, offer, question)) because = "budgetSpent";
    else candidates.push({ id, value, leastMembers: standing.leastMembers });
  }
  const members = largestStableGroup(candidates).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (members.length > 0) return { offer, members };
  if (offer.lane === "collective") return { because: "groupTooSmall" };
  // Somebody stands, but wants company that the own account never has.
  return { because: candidates.length > 0 ? "limitStricter" : because };
}

function isAffordable(member: MemberId, offer: VotedOffer, { policy, ledger }: Question): boolean {
  if (offer.lane === "ownAccount" || offer.noise === undefined) return true;
  const use = { purpose: offer.purpose, recipient: offer.recipient, epsilon: offer.noise.epsilon };
  return canSpend({ ledger, caps: policy?.epsilonCaps }, member, use);
}

function collectiveRefusal(
  { members }: Group,
  offer: CollectiveOffer,
  { request, guard }: Question,
): DenyReason | undefined {
  const { group: rule, clamp, noise } = offer;
  const leftOut = request.members.length - members.length;
  if (offer.recipientKnowsTotal && leftOut > 0 && leftOut < rule.leastMembers) return "complementTooSmall";
  // To stay silent because of a value tells something of it: under noise the clamp does this work.
  if (noise === undefined && isDominated(members, { clamp, rule })) return "dominantMember";
  if (guard === "nothing") return undefined;
  return guardRefusal(guard, {
    offer: offer.id,
    window: request.window,
    members: members.map(({ id }) => id),
    leastMembers: rule.leastMembers,
    exact: noise === undefined,
  });
}

function figureOf({ offer, members }: Group, { bytes, ledger }: Question): ReleaseDecision {
  const ids = members.map(({ id }) => id);
  const released = { kind: "release", offer: offer.id, members: ids } as const;
  if (offer.lane === "ownAccount") return { ...released, value: members[0]?.value ?? 0 };
  const { clamp, round, noise, purpose, recipient } = offer;
  const sum = BigInt(clampedSum(members, clamp));
  if (noise === undefined) return { ...released, value: Number(roundToStep(sum, BigInt(round))) };
  if (bytes === undefined) return { kind: "deny", because: "noRandomness" };
  const drawn = noiseFor(clamp, noise.epsilon, bytes);
  if (drawn === undefined) return { kind: "deny", because: "noRandomness" };
  const value = Number(roundToStep(sum + drawn, BigInt(round)));
  if (!Number.isSafeInteger(value)) return { kind: "deny", because: "error" };
  const spent = spend(ledger, ids, { purpose, recipient, epsilon: noise.epsilon });
  return { ...released, value, ledger: spent };
}

/** One home more or less changes the sum by at most the clamp, so a scale of clamp/epsilon gives epsilon. */
function noiseFor(clamp: number, epsilon: Rational, bytes: ByteSource): bigint | undefined {
  try {
    return discreteLaplace(rational(BigInt(clamp) * epsilon.denominator, epsilon.numerator), bytes);
  } catch {
    return undefined;
  }
}
