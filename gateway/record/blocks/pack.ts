import type { DatabaseSync } from "node:sqlite";
import { hasCode, HOUR_MS } from "../../../domain/model/index.ts";
import { BLOCK_READINGS_MAX, encodeBlock, type Block } from "./codec.ts";
import { sequenceAt, type ReadingColumns, type Series } from "./columns.ts";
import { cut, indexOf, merge, picked, without, type Cut } from "./merge.ts";
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
  for (const [device, hours] of byDeviceAndHour(db, columns)) {
    for (const [hour, streams] of hours) {
      const fresh = withoutKnown(db, device, streams);
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

type Hours = Map<number, Map<number, Series>>;

function byDeviceAndHour(db: DatabaseSync, columns: ReadingColumns): Map<number, Hours> {
  const positions = new Map<number, number[]>();
  for (let at = 0; at < columns.count; at++) {
    const stream = Number(columns.streams[at]);
    const list = positions.get(stream);
    if (list) list.push(at);
    else positions.set(stream, [at]);
  }
  const devices = new Map<number, Hours>();
  for (const [stream, list] of positions) {
    const device = deviceOf(db, stream);
    const hours: Hours = devices.get(device) ?? new Map<number, Map<number, Series>>();
    devices.set(device, hours);
    for (const [hour, series] of byHour(inOrder(columns, list))) {
      const streams = hours.get(hour) ?? new Map<number, Series>();
      hours.set(hour, streams.set(stream, series));
    }
  }
  return devices;
}

function deviceOf(db: DatabaseSync, stream: number): number {
  const name = prepare(db, "SELECT name FROM stream WHERE id = ?").get(stream)?.["name"];
  if (name === undefined) throw new RangeError(`the record has no stream ${stream}`);
  return learnDevice(db, deviceNameOf(String(name)));
}

/** One stream's readings in order of (time, sequence), the first of each pair. */
function inOrder(columns: ReadingColumns, positions: readonly number[]): Series {
  const series = picked(columns, positions);
  let sorted = true;
  for (let at = 1; at < series.count && sorted; at++) {
    const step = Number(series.times[at]) - Number(series.times[at - 1]);
    sorted = step > 0 || (step === 0 && sequenceAt(series, at) > sequenceAt(series, at - 1));
  }
  if (sorted) return series;
  // Each its own piece: merging sorts and drops repeats.
  return merge(Array.from({ length: series.count }, (_, at) => ({ series, start: at, end: at + 1 })));
}

function* byHour(series: Series): Generator<[number, Series]> {
  for (let start = 0; start < series.count;) {
    const hour = Math.floor(Number(series.times[start]) / HOUR_MS) * HOUR_MS;
    const end = indexOf(series, hour + HOUR_MS);
    yield [hour, merge([{ series, start, end }])];
    start = end;
  }
}

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
