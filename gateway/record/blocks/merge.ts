import { sequenceAt, type Series } from "./columns.ts";

/** Putting pieces of one stream together: in order of (time, sequence), each pair once; of two the earlier piece wins. */

/** A part of a series. */
export interface Cut {
  readonly series: Series;
  readonly start: number;
  readonly end: number;
}

/** The readings of a series in a stretch of time; undefined where it has none. */
export function cut(
  series: Series,
  { from, to }: { readonly from: number; readonly to: number },
): Cut | undefined {
  const start = indexOf(series, from);
  const end = indexOf(series, to);
  return start < end ? { series, start, end } : undefined;
}

/** Of the first reading at `time` or later; `count` where there is none. */
export function indexOf({ times, count }: Series, time: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(times[middle]) >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}

export const whole = (series: Series): Cut => ({ series, start: 0, end: series.count });

/** One series of all pieces. */
export function merge(pieces: readonly Cut[]): Series {
  const [only] = pieces;
  if (only && pieces.length === 1) return copied(only);
  const sorted = pieces.toSorted((a, b) => firstTime(a) - firstTime(b));
  const inOrder = sorted.every((piece, at) => {
    const next = sorted[at + 1];
    return next === undefined || lastTime(piece) < firstTime(next);
  });
  return inOrder ? concatenated(sorted) : interleaved(pieces);
}

const firstTime = ({ series, start }: Cut): number => Number(series.times[start]);
const lastTime = ({ series, end }: Cut): number => Number(series.times[end - 1]);

/** A whole series with memory of its own needs no copy; a view does, because its memory may change. */
const isOwn = ({ times, count }: Series): boolean =>
  times.length === count && times.byteLength === times.buffer.byteLength;

const copied = ({ series, start, end }: Cut): Series =>
  start === 0 && end === series.count && isOwn(series)
    ? series
    : {
        count: end - start,
        times: series.times.slice(start, end),
        values: series.values.slice(start, end),
        qualities: series.qualities.slice(start, end),
        ...(series.sequences && { sequences: series.sequences.slice(start, end) }),
      };

function concatenated(pieces: readonly Cut[]): Series {
  const made = emptySeries(pieces);
  let at = 0;
  for (const { series, start, end } of pieces) {
    made.times.set(series.times.subarray(start, end), at);
    made.values.set(series.values.subarray(start, end), at);
    made.qualities.set(series.qualities.subarray(start, end), at);
    if (series.sequences) made.sequences?.set(series.sequences.subarray(start, end), at);
    at += end - start;
  }
  return made;
}

function emptySeries(pieces: readonly Cut[]): Series {
  const count = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    count,
    times: new Float64Array(count),
    values: new Float64Array(count),
    qualities: new Uint8Array(count),
    ...(pieces.some(({ series }) => series.sequences) && { sequences: new Float64Array(count) }),
  };
}

/** Sorting keeps equals in the order in which they came, so that the first of two is the earlier piece's. */
function interleaved(pieces: readonly Cut[]): Series {
  const all = concatenated(pieces);
  const order = Array.from({ length: all.count }, (_, at) => at).sort((a, b) => between(all, a, b));
  const kept = order.filter((at, index) => {
    const before = order[index - 1];
    return before === undefined || between(all, before, at) !== 0;
  });
  return picked(all, kept);
}

const between = (series: Series, a: number, b: number): number =>
  Number(series.times[a]) - Number(series.times[b]) || sequenceAt(series, a) - sequenceAt(series, b);

/** The readings at these positions. */
function picked(series: Series, positions: readonly number[]): Series {
  const { sequences } = series;
  return {
    count: positions.length,
    times: Float64Array.from(positions, (at) => Number(series.times[at])),
    values: Float64Array.from(positions, (at) => Number(series.values[at])),
    qualities: Uint8Array.from(positions, (at) => Number(series.qualities[at])),
    ...(sequences && { sequences: Float64Array.from(positions, (at) => Number(sequences[at])) }),
  };
}

/** What of `series` is not in `known`; both in order. */
export function without(series: Series, known: Series): Series {
  const kept: number[] = [];
  let k = 0;
  for (let at = 0; at < series.count; at++) {
    const time = Number(series.times[at]);
    const sequence = sequenceAt(series, at);
    const order = (): number => Number(known.times[k]) - time || sequenceAt(known, k) - sequence;
    while (k < known.count && order() < 0) k++;
    if (k === known.count || order() !== 0) kept.push(at);
  }
  return kept.length === series.count ? series : picked(series, kept);
}
