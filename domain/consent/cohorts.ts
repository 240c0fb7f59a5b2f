import {
  HOUR_MS,
  instant,
  type DenyReason,
  type Instant,
  type MemberId,
  type PinnedConsent,
  type Span,
  type VotedOffer,
} from "../model/index.ts";
import { decide, groupOf, type Question, type ReleaseDecision } from "./decide.ts";
import type { GuardState } from "./guard.ts";
import { stepAt } from "./windows.ts";

/**
 * The cohorts of a collective offer: how its members are cut into blocks once, how long the blocks hold, and which of
 * them a sum is made over. guard.ts says why.
 */
type Grid = Pick<VotedOffer, "granularity" | "utcOffsetMinutes">;
const FOUR_WEEKS_MS = 28 * 24 * HOUR_MS;
const MINUTE_MS = 60_000;

/**
 * How long cohorts hold: a calendar month for steps of up to a day, four weeks for weeks, a quarter of a year for
 * months. No step lies across two of them.
 */
export function epochAt(time: Instant, offer: Grid): Span {
  if (offer.granularity === "week") {
    const { from: week } = stepAt(time, offer);
    const { from: origin } = stepAt(instant(0), offer);
    const from = origin + Math.floor((week - origin) / FOUR_WEEKS_MS) * FOUR_WEEKS_MS;
    return { from: instant(from), to: instant(from + FOUR_WEEKS_MS) };
  }
  const month = stepAt(time, { ...offer, granularity: "month" });
  return offer.granularity === "month" ? quarterOf(month, offer) : month;
}

function quarterOf(month: Span, { utcOffsetMinutes }: Grid): Span {
  const shift = utcOffsetMinutes * MINUTE_MS;
  const at = new Date(month.from + shift);
  const first = at.getUTCMonth() - (at.getUTCMonth() % 3);
  const begin = (index: number): Instant => instant(Date.UTC(at.getUTCFullYear(), index) - shift);
  return { from: begin(first), to: begin(first + 3) };
}

type Blocks = readonly (readonly MemberId[])[];

/**
 * Cuts into blocks those members who are in none yet, as soon as they are enough; blocks that exist never change. A
 * block has about twice as many members as a group needs at least, because not everyone says yes.
 */
export function extendPartition(
  blocks: Blocks,
  { members, leastMembers }: { readonly members: readonly MemberId[]; readonly leastMembers: number },
): Blocks {
  const placed = new Set(blocks.flat());
  const fresh = [...new Set(members)].filter((member) => !placed.has(member)).toSorted();
  if (fresh.length < leastMembers) return blocks;
  const count = Math.max(1, Math.floor(fresh.length / (2 * leastMembers)));
  const cut = Array.from({ length: count }, (_, i) => fresh.filter((_member, at) => at % count === i));
  return [...blocks, ...cut];
}

/**
 * The decision over as many whole cohorts as stand: an exact sum leaves out every block of which somebody is missing,
 * a noisy one only those who are missing. Who revoked in this epoch is out, and so is their block's exact sum. Total.
 */
export function decideCohorts(question: Question & { readonly guard: GuardState }): ReleaseDecision {
  try {
    return decideWhole(question);
  } catch {
    return deny("error");
  }
}

const deny = (because: DenyReason): ReleaseDecision => ({ kind: "deny", because });

function decideWhole(question: Question & { readonly guard: GuardState }): ReleaseDecision {
  const { policy, request, guard } = question;
  const offer = policy?.offers.find(({ id }) => id === request.offer);
  const exact = offer?.lane !== "collective" || offer.noise === undefined;
  const revoked = new Set(guard.revoked);
  let blocks = exact
    ? guard.blocks.filter((block) => !block.some((member) => revoked.has(member)))
    : guard.blocks;
  if (blocks.length === 0 && guard.blocks.length > 0) return deny("cohortSuppressed");
  for (;;) {
    const consents = ofBlocks(question.consents, blocks, revoked);
    const group = groupOf({ ...question, consents });
    if ("because" in group) return deny(group.because);
    const inside = new Set(group.members.map(({ id }) => id));
    const whole = exact ? blocks.filter((block) => block.every((member) => inside.has(member))) : blocks;
    if (whole.length === blocks.length) return decide({ ...question, consents });
    blocks = whole;
  }
}

/** Whoever is in no block is as one who said nothing: they wait for the next epoch. */
function ofBlocks(
  consents: readonly PinnedConsent[],
  blocks: Blocks,
  revoked: ReadonlySet<MemberId>,
): readonly PinnedConsent[] {
  const inside = new Set(blocks.flat().filter((member) => !revoked.has(member)));
  return consents.filter(({ member }) => inside.has(member));
}
