import type { DenyReason, MemberId, OfferId, Span } from "../model/index.ts";
import { isWithin, overlap } from "./windows.ts";

/**
 * Guard against differencing. If the sum over a group and the sum over the same group without one member are both
 * known for one time, their difference is that member's figure, however large the groups are. So:
 *
 * - an offer is released once for a window; data that come late never make a second release;
 * - the members are cut into blocks once, each of at least k; a group is a union of blocks, so that whatever sums and
 *   differences somebody forms, the finest figure that they reach is a block's;
 * - blocks hold for an epoch; who joins waits for the next one;
 * - who revokes is out at once, and the exact sums of their block rest until the epoch ends, so that no sum with and
 *   no sum without them lie side by side;
 * - groups of releases whose windows overlap are equal, or differ by at least k members: also across offers and
 *   recipients, who may put together what they have.
 */
export interface PastRelease {
  readonly offer: OfferId;
  readonly window: Span;
  readonly members: readonly MemberId[];
  readonly leastMembers: number;
}

export interface GuardState {
  /** Windows of other epochs are not released. */
  readonly epoch: Span;
  /** The cohorts of this offer, as `freeze` made them when the epoch began. */
  readonly blocks: readonly (readonly MemberId[])[];
  /** Members who revoked since the epoch began, also those who said yes again. */
  readonly revoked: readonly MemberId[];
  /** Every collective release so far; order does not matter. */
  readonly releases: readonly PastRelease[];
}

/** A group that passed the decision and wants to leave. */
export interface GuardRequest extends PastRelease {
  /** False where noise is added. */
  readonly exact: boolean;
}

/**
 * The cohorts of an epoch: of each block of the fixed partition those who stand when the epoch begins. Blocks with
 * fewer than k of them rest for the whole epoch, for to join two of them now and not the next time would let somebody
 * subtract.
 */
export function freeze(
  partition: readonly (readonly MemberId[])[],
  { standing, leastMembers }: { standing: ReadonlySet<MemberId>; leastMembers: number },
): readonly (readonly MemberId[])[] {
  return partition
    .map((block) => block.filter((member) => standing.has(member)))
    .filter((block) => block.length >= leastMembers);
}

/** Why this release would give a member away beside those before it, or undefined. */
export function guardRefusal(state: GuardState, request: GuardRequest): DenyReason | undefined {
  const { releases, revoked, epoch } = state;
  if (releases.some(({ offer, window }) => offer === request.offer && sameSpan(window, request.window)))
    return "alreadyReleased";
  if (!isWithin(request.window, epoch)) return "windowOutsideEpoch";
  const members = new Set(request.members);
  if (revoked.some((member) => members.has(member))) return "memberRevoked";
  return blockRefusal(state, request, members) ?? overlapRefusal(releases, request, members);
}

const sameSpan = (a: Span, b: Span): boolean => a.from === b.from && a.to === b.to;

function blockRefusal(
  { blocks, revoked }: GuardState,
  { exact, leastMembers }: GuardRequest,
  members: ReadonlySet<MemberId>,
): DenyReason | undefined {
  const placed = blocks.flat();
  if (new Set(placed).size !== placed.length) return "partitionInvalid";
  const touched = blocks.filter((block) => block.some((member) => members.has(member)));
  if (touched.some((block) => block.length < leastMembers)) return "partitionInvalid";
  if (exact && touched.some((block) => revoked.some((member) => block.includes(member))))
    return "cohortSuppressed";
  const frozen = touched.reduce((size, block) => size + block.length, 0);
  const known = touched.reduce(
    (size, block) => size + block.filter((member) => members.has(member)).length,
    0,
  );
  // A noisy sum may miss a member of its blocks; an exact one must be the same in every window.
  return known === members.size && (!exact || frozen === members.size) ? undefined : "cohortNotFrozen";
}

function overlapRefusal(
  releases: readonly PastRelease[],
  { window, leastMembers }: GuardRequest,
  members: ReadonlySet<MemberId>,
): DenyReason | undefined {
  const tooClose = releases.some((past) => {
    if (!overlap(past.window, window)) return false;
    const difference = differenceOf(members, new Set(past.members));
    return difference > 0 && difference < Math.max(leastMembers, past.leastMembers);
  });
  return tooClose ? "overlapTooClose" : undefined;
}

/** How many members are in one group only. */
export function differenceOf(a: ReadonlySet<MemberId>, b: ReadonlySet<MemberId>): number {
  return a.symmetricDifference(b).size;
}
