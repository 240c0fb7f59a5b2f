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
