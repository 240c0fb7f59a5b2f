import type { GroupRule, MemberId } from "../model/index.ts";

/** A member who could be in, and the smallest group that they accept. */
export interface Candidate {
  readonly id: MemberId;
  readonly leastMembers: number;
  /** Whole units, not negative. */
  readonly value: number;
}

/**
 * Removes those who want a larger group until nobody does: the greatest set in which everyone accepts its size. Who
 * wants most goes first; any other order ends at the same set, because a smaller group suits nobody whom it did not
 * suit before.
 */
export function largestStableGroup<T extends Pick<Candidate, "leastMembers">>(candidates: readonly T[]): T[] {
  const byWish = candidates.toSorted((a, b) => a.leastMembers - b.leastMembers);
  while (byWish.length > 0) {
    const most = byWish.at(-1)?.leastMembers ?? 0;
    if (most <= byWish.length) break;
    byWish.pop();
  }
  return byWish;
}

/** The sum of what each counts for: the whole value, at most `clamp`. */
export function clampedSum(group: readonly Pick<Candidate, "value">[], clamp: number): number {
  return group.reduce((sum, { value }) => sum + Math.min(value, clamp), 0);
}

/** Whether one member's clamped value is more than the rule's share of the clamped sum. */
export function isDominated(
  group: readonly Pick<Candidate, "value">[],
  { clamp, rule }: { clamp: number; rule: GroupRule },
): boolean {
  const sum = clampedSum(group, clamp);
  const largest = group.reduce((most, { value }) => Math.max(most, Math.min(value, clamp)), 0);
  return BigInt(largest) * 100n > BigInt(rule.largestSharePercent) * BigInt(sum);
}

/** The nearest multiple of `step`; a half goes up, towards plus infinity. */
export function roundToStep(value: bigint, step: bigint): bigint {
  const doubled = 2n * value + step;
  const remainder = doubled % (2n * step);
  return (doubled - (remainder < 0n ? remainder + 2n * step : remainder)) / 2n;
}
