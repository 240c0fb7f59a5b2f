import type { DatabaseSync } from "node:sqlite";
import { hasCode, HOUR_MS } from "../../../domain/model/index.ts";
import { BLOCK_READINGS_MAX, encodeBlock, type Block } from "./codec.ts";
import { sequenceAt, type ReadingColumns, type Series } from "./columns.ts";
import { cut, indexOf, merge, without, type Cut } from "./merge.ts";
import {
  deviceNameOf,
  headsIn,
  insertBlock,
  learnDevice,
  openRow,
  prepare,
  rowOf,
  touch,
  utcDay,
} from "./rows.ts";

/** A part of what the journal holds, to be packed in one transaction. */
export interface PackSlice {
  /** In any order; a reading that a block has already is ignored. */
  readonly columns: ReadingColumns;
  /** The numbers of the first and the last journal frame that the whole hand-over came from. */
  readonly firstFrame: number;
  readonly lastFrame: number;
}

export interface Packed {
  /** Readings that were not in a block yet. */
  readonly readings: number;
  /** Blocks written, and bytes of their data. */
  readonly blocks: number;
  readonly bytes: number;
}

export type Frames = Pick<PackSlice, "firstFrame" | "lastFrame">;

/**
 * Writes a slice into blocks, one for each device and UTC hour. The caller holds the transaction; its streams are in
 * the table `stream`. What overlaps older blocks (late data, a repeat after a crash) becomes a block of its own,
 * without what they have; `compactDay` puts them together later. A damaged block that overlaps is left where it is.
 */
export function packSlice(db: DatabaseSync, { columns, firstFrame, lastFrame }: PackSlice): Packed {
  const packed = { readings: 0, blocks: 0, bytes: 0 };
  for (const [device, streams] of Map.groupBy(runsOf(columns), ([stream]) => deviceOf(db, stream))) {
    for (const [hour, streamsOfHour] of byHour(streams)) {
      const fresh = withoutKnown(db, device, streamsOfHour);
      if (fresh.size === 0) continue;
      for (const part of parts(fresh)) {
        packed.bytes += writeBlock(db, { device, streams: part, frames: { firstFrame, lastFrame } });
        packed.blocks++;
        packed.readings += readingsIn(part);
      }
      touch(db, device, utcDay(hour));
    }
  }
  return packed;
}

export type Streams = ReadonlyMap<number, Series>;

export const readingsIn = (streams: Streams): number =>
  [...streams.values()].reduce((sum, { count }) => sum + count, 0);

/** @returns bytes of the block */
export function writeBlock(
  db: DatabaseSync,
  {
    device,
    streams,
    frames,
  }: { readonly device: number; readonly streams: Streams; readonly frames: Frames },
): number {
  const data = encodeBlock(device, streams);
  insertBlock(db, {
    device,
    ...boundsOf(streams),
    readings: readingsIn(streams),
    first_frame: frames.firstFrame,
    last_frame: frames.lastFrame,
    data,
  });
  return data.length;
}

function boundsOf(streams: Streams): { first: number; last: number } {
  let [first, last] = [Infinity, -Infinity];
  for (const { times, count } of streams.values()) {
    first = Math.min(first, Number(times[0]));
    last = Math.max(last, Number(times[count - 1]));
  }
  return { first, last };
}

/** The stretches of a slice that are of one stream, by stream: where each device's hour was written in one go, one for each. */
function runsOf(columns: ReadingColumns): Map<number, Cut[]> {
  const runs = new Map<number, Cut[]>();
  for (let start = 0; start < columns.count;) {
    const stream = Number(columns.streams[start]);
    let end = start + 1;
    while (end < columns.count && columns.streams[end] === stream) end++;
    const cuts = runs.get(stream);
    if (cuts) cuts.push({ series: columns, start, end });
    else runs.set(stream, [{ series: columns, start, end }]);
    start = end;
  }
  return runs;
}

function deviceOf(db: DatabaseSync, stream: number): number {
  const name = prepare(db, "SELECT name FROM stream WHERE id = ?").get(stream)?.["name"];
  if (name === undefined) throw new RangeError(`the record has no stream ${stream}`);
  return learnDevice(db, deviceNameOf(String(name)));
}

/** One device's series, views of the slice where they can be. */
function byHour(streams: readonly (readonly [number, readonly Cut[]])[]): Map<number, Map<number, Series>> {
  const hours = new Map<number, Map<number, Series>>();
  for (const [stream, runs] of streams) {
    const series = inOrder(runs);
    for (let start = 0; start < series.count;) {
      const hour = Math.floor(Number(series.times[start]) / HOUR_MS) * HOUR_MS;
      const end = indexOf(series, hour + HOUR_MS);
      const others = hours.get(hour) ?? new Map<number, Series>();
      hours.set(hour, others.set(stream, viewOf({ series, start, end })));
      start = end;
    }
  }
  return hours;
}

/** One stream's readings in order of (time, sequence), the first of each pair. */
function inOrder(runs: readonly Cut[]): Series {
  const [only] = runs;
  if (only && runs.length === 1 && isSorted(only)) return viewOf(only);
  if (runs.every(isSorted)) return merge(runs);
  // Each its own piece: merging sorts and drops repeats.
  return merge(
    runs.flatMap(({ series, start, end }) =>
      Array.from({ length: end - start }, (_, at) => ({ series, start: start + at, end: start + at + 1 })),
    ),
  );
}

function isSorted({ series, start, end }: Cut): boolean {
  for (let at = start + 1; at < end; at++) {
    const step = Number(series.times[at]) - Number(series.times[at - 1]);
    if (step < 0 || (step === 0 && sequenceAt(series, at) <= sequenceAt(series, at - 1))) return false;
  }
  return true;
}

const viewOf = ({ series, start, end }: Cut): Series => ({
  count: end - start,
  times: series.times.subarray(start, end),
  values: series.values.subarray(start, end),
  qualities: series.qualities.subarray(start, end),
  ...(series.sequences && { sequences: series.sequences.subarray(start, end) }),
});

function withoutKnown(db: DatabaseSync, device: number, streams: Streams): Map<number, Series> {
  const { first, last } = boundsOf(streams);
  const blocks = headsIn(db, device, { from: first, to: last + 1 }).flatMap(({ id }) => readable(db, id));
  const fresh = new Map<number, Series>();
  for (const [stream, series] of streams) {
    const stretch = { from: first, to: last + 1 };
    const known = blocks.flatMap((block) => piecesOf(block, stream, stretch));
    const left = known.length === 0 ? series : without(series, merge(known));
    if (left.count > 0) fresh.set(stream, left);
  }
  return fresh;
}

export function piecesOf(block: Block, stream: number, stretch: { from: number; to: number }): Cut[] {
  const series = block.series(stream);
  const piece = series && cut(series, stretch);
  return piece ? [piece] : [];
}

/** The block, or nothing where it is damaged: `verify` and `repair` are there for it. */
export function readable(db: DatabaseSync, id: number): Block[] {
  try {
    const row = rowOf(db, id);
    return row ? [openRow(row)] : [];
  } catch (error) {
    if (hasCode(error, "RECORD_BLOCK_DAMAGED")) return [];
    throw error;
  }
}

/** At most `BLOCK_READINGS_MAX` readings each. */
function* parts(streams: Streams): Generator<Streams> {
  if (readingsIn(streams) <= BLOCK_READINGS_MAX) return yield streams;
  for (const [stream, series] of streams) {
    for (let start = 0; start < series.count; start += BLOCK_READINGS_MAX) {
      const end = Math.min(series.count, start + BLOCK_READINGS_MAX);
      yield new Map([[stream, merge([{ series, start, end }])]]);
    }
  }
}
