import { instant } from "../../../domain/model/index.ts";
import type { Series } from "../blocks/columns.ts";
import { QUALITIES } from "../qualities.ts";
import type { RollUp } from "../readings.ts";

/** The longest that a value stands for what came after it: a meter that is silent for longer was not there. */
export const HOLD_MS = 15 * 60_000;

/** Qualities whose value may be used. */
const USABLE = new Set([QUALITIES.indexOf("ok"), QUALITIES.indexOf("estimated")]);

interface Sum {
  first?: number;
  last: number;
  min: number;
  max: number;
  plain: number;
  count: number;
  /** Value × ms, and the ms for which a value stood. */
  area: number;
  covered: number;
}

/**
 * Rolls a series up into the stretches between `edges` (ascending, ms). A value stands until the next reading, at most
 * `HOLD_MS`; one that may not be used stands for nothing and ends the one before it. Readings before the first edge
 * count for what they still stand for. Stretches without a usable reading of their own are left out.
 */
export function rollUp(series: Series, edges: readonly number[]): RollUp[] {
  const sums = edges
    .slice(1)
    .map((): Sum => ({ last: 0, min: Infinity, max: -Infinity, plain: 0, count: 0, area: 0, covered: 0 }));
  let stretch = 0;
  for (let at = 0; at < series.count; at++) {
    const time = Number(series.times[at]);
    while (stretch < sums.length && time >= Number(edges[stretch + 1])) stretch++;
    if (!USABLE.has(Number(series.qualities[at]))) continue;
    const value = Number(series.values[at]);
    const sum = sums[stretch];
    if (sum && time >= Number(edges[0])) count(sum, value);
    const until = Math.min(time + HOLD_MS, at + 1 < series.count ? Number(series.times[at + 1]) : Infinity);
    stand(sums, edges, { value, from: time, until, stretch });
  }
  return sums.flatMap((sum, index) => finished(sum, Number(edges[index]), Number(edges[index + 1])));
}

function count(sum: Sum, value: number): void {
  sum.first ??= value;
  sum.last = value;
  sum.min = Math.min(sum.min, value);
  sum.max = Math.max(sum.max, value);
  sum.plain += value;
  sum.count++;
}

interface Standing {
  readonly value: number;
  readonly from: number;
  readonly until: number;
  /** The first stretch that it may lie in. */
  readonly stretch: number;
}

function stand(
  sums: readonly Sum[],
  edges: readonly number[],
  { value, from, until, stretch }: Standing,
): void {
  for (let index = stretch; index < sums.length; index++) {
    const [start, end] = [Number(edges[index]), Number(edges[index + 1])];
    if (start >= until) return;
    const ms = Math.max(0, Math.min(until, end) - Math.max(from, start));
    const sum = sums[index];
    if (!sum) return;
    sum.area += value * ms;
    sum.covered += ms;
  }
}

function finished(sum: Sum, start: number, end: number): RollUp[] {
  const { first, last, min, max, plain, count, area, covered } = sum;
  if (first === undefined) return [];
  // A single reading in the last millisecond stood for no time at all.
  const mean = covered > 0 ? area / covered : plain / count;
  return [
    {
      start: instant(start),
      end: instant(end),
      first,
      last,
      min,
      max,
      // Adding up may leave the mean of equal values a little beside them.
      mean: Math.min(max, Math.max(min, mean)),
      count,
      coverage: covered / (end - start),
    },
  ];
}
