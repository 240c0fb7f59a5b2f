import type { Instant } from "../model/index.ts";

/** The position of the first item at or after `time` in a list in time order. */
export function firstAtOrAfter(list: readonly { readonly time: Instant }[], time: Instant): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.time ?? Infinity) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Adds an item to a list in time order; things arrive mostly in order, and a second one for an instant is ignored.
 * @returns false for one that was ignored
 */
export function insertByTime<T extends { readonly time: Instant }>(list: T[], item: T): boolean {
  const last = list.at(-1);
  if (!last || last.time < item.time) {
    list.push(item);
    return true;
  }
  const at = firstAtOrAfter(list, item.time);
  if (list[at]?.time === item.time) return false;
  list.splice(at, 0, item);
  return true;
}

/** Drops what lies before the last item at or before `time`; that one stays, because a line is drawn from it. */
export function forgetBefore(list: { readonly time: Instant }[], time: Instant): void {
  const next = firstAtOrAfter(list, time);
  const keep = list[next]?.time === time ? next : next - 1;
  if (keep > 0) list.splice(0, keep);
}
