import type { ReadingColumns } from "../blocks/columns.ts";
import { FRAME_READINGS_MAX } from "./frame.ts";

/** Columns put together and cut, for what passes between the threads and into frames. */

/** Readings in one piece that crosses threads: thousands of small arrays would cost more than their readings. */
const JOINED_MAX = 100_000;

export function joined(pieces: readonly ReadingColumns[]): ReadingColumns[] {
  const groups: ReadingColumns[][] = [];
  let readings = JOINED_MAX;
  for (const piece of pieces) {
    if (readings + piece.count > JOINED_MAX) {
      groups.push([]);
      readings = 0;
    }
    groups.at(-1)?.push(piece);
    readings += piece.count;
  }
  return groups.map(joinedToOne);
}

function joinedToOne(pieces: readonly ReadingColumns[]): ReadingColumns {
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const streams = new Uint32Array(count);
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  const qualities = new Uint8Array(count);
  const sequences = pieces.some((piece) => piece.sequences) ? new Float64Array(count) : undefined;
  let at = 0;
  for (const piece of pieces) {
    streams.set(piece.streams.subarray(0, piece.count), at);
    times.set(piece.times.subarray(0, piece.count), at);
    values.set(piece.values.subarray(0, piece.count), at);
    qualities.set(piece.qualities.subarray(0, piece.count), at);
    if (piece.sequences) sequences?.set(piece.sequences.subarray(0, piece.count), at);
    at += piece.count;
  }
  return { count, streams, times, values, qualities, ...(sequences && { sequences }) };
}

/** Pieces of at most a frame's readings; views of the same memory. */
export function partsOf(columns: ReadingColumns): ReadingColumns[] {
  const parts: ReadingColumns[] = [];
  for (let start = 0; start < columns.count; start += FRAME_READINGS_MAX) {
    const end = Math.min(start + FRAME_READINGS_MAX, columns.count);
    const { streams, times, values, qualities, sequences } = columns;
    parts.push({
      count: end - start,
      streams: streams.subarray(start, end),
      times: times.subarray(start, end),
      values: values.subarray(start, end),
      qualities: qualities.subarray(start, end),
      ...(sequences && { sequences: sequences.subarray(start, end) }),
    });
  }
  return parts;
}
