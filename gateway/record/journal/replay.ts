import type { FrameRange, LostFrames } from "../state.ts";
import {
  framesOf,
  readHeader,
  readSegment,
  segmentPaths,
  type Located,
  type SegmentFile,
} from "./segment.ts";

/** Reading the journal: at the start, from another process, and for the feed. Nothing here writes. */

/** The segments that were begun, oldest first. A first page that is damaged is made up from the frames behind it. */
export function segmentsOf(folder: string): SegmentFile[] {
  return segmentPaths(folder)
    .flatMap((path): SegmentFile[] => {
      const header = readHeader(path) ?? headerFromFrames(path);
      return header ? [{ path, ...header }] : [];
    })
    .toSorted((a, b) => a.firstFrame - b.firstFrame || a.round - b.round);
}

/** Where the first page is lost, the largest run of numbers at the front is the present round. */
function headerFromFrames(path: string): Omit<SegmentFile, "path"> | undefined {
  const [first] = framesOf(readSegment(path), { from: 0 });
  return first && { round: 0, firstFrame: first.number, lastBefore: first.number - 1 };
}

export interface Replayed extends Located {
  readonly path: string;
}

/**
 * All whole frames with a number larger than `after`, in order. A frame that was given up after a fault is left out,
 * as far as a later segment tells.
 */
export function* framesAfter(folder: string, after: number): Generator<Replayed> {
  const segments = segmentsOf(folder);
  for (const [i, segment] of segments.entries()) {
    const last = Math.min(...segments.slice(i + 1).map(({ lastBefore }) => lastBefore));
    if (last <= after) continue;
    const from = Math.max(segment.firstFrame, after + 1);
    for (const frame of framesOf(readSegment(segment.path), { from })) {
      if (frame.number > last) break;
      yield { ...frame, path: segment.path };
    }
  }
}

/** The numbers that are missing after `after` although a commit had them: frames that the disk lost. */
export function holesIn(folder: string, after: number, numbers: readonly number[]): FrameRange[] {
  const givenUp = segmentsOf(folder).map(({ lastBefore, firstFrame }) => ({
    from: lastBefore + 1,
    to: firstFrame - 1,
  }));
  const holes: FrameRange[] = [];
  let expected = after + 1;
  for (const number of numbers) {
    if (number > expected) holes.push(...without({ from: expected, to: number - 1 }, givenUp));
    expected = number + 1;
  }
  return holes;
}

/** What a frame that can be read says of its readings. */
export interface SeenFrame {
  readonly number: number;
  readonly count: number;
  /** Times of its first and last reading, ms. */
  readonly first: number;
  readonly last: number;
}

export function seenIn({ number, columns: { count, times } }: Replayed): SeenFrame {
  const own = times.subarray(0, count);
  return { number, count, first: Math.min(...own), last: Math.max(...own) };
}

/** What the frames before and behind say about when the lost ones were. */
export function whenLost({ from, to }: FrameRange, seen: readonly SeenFrame[]): LostFrames {
  const before = seen.findLast(({ number }) => number < from);
  const behind = seen.find(({ number }) => number > to);
  return { from, to, ...(before && { after: before.last }), ...(behind && { before: behind.first }) };
}

function without(range: FrameRange, others: readonly FrameRange[]): FrameRange[] {
  let left = [range];
  for (const other of others) {
    if (other.from > other.to) continue;
    left = left.flatMap(({ from, to }) =>
      [
        { from, to: Math.min(to, other.from - 1) },
        { from: Math.max(from, other.to + 1), to },
      ].filter((part) => part.from <= part.to),
    );
  }
  return left;
}
