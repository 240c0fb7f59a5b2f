import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import type { Series } from "./columns.ts";
import { readIntegers, writeIntegers } from "./integers.ts";
import { seal, unseal } from "./seal.ts";
import { readValues, writeValues } from "./values.ts";

/**
 * One block: what one device said in a part of one day, sealed (seal.ts). Its body: the device, the number of clocks and
 * of streams; for each clock its readings and bytes; for each stream its id, its clock and its bytes; then the columns.
 * A clock is the times (and sequences) that streams share, because a device is read as a whole. Each column is found
 * without reading those before it.
 */
const FORM = 0xb1;

/** Larger ones are split where they are made; a body that claims more is damaged. */
export const BLOCK_READINGS_MAX = 100_000;

export interface Block {
  readonly device: number;
  readonly readings: number;
  /** Ids of the streams, ascending. */
  readonly streams: readonly number[];
  /** Decodes one stream; undefined where the block has none of it. Throws RECORD_BLOCK_DAMAGED. */
  series(stream: number): Series | undefined;
}

/** @param streams by id; every series has at least one reading, all together at most `BLOCK_READINGS_MAX` */
export function encodeBlock(device: number, streams: ReadonlyMap<number, Series>): Uint8Array {
  return seal(FORM, encodeBody(device, streams));
}

interface Clock {
  readonly series: Series;
  readonly column: Uint8Array;
}

function encodeBody(device: number, streams: ReadonlyMap<number, Series>): Uint8Array {
  const clocks: Clock[] = [];
  const entries = [...streams].toSorted(([a], [b]) => a - b);
  const columns = entries.map(([id, series]) => {
    let clock = clocks.findIndex((other) => sameClock(other.series, series));
    if (clock < 0) clock = clocks.push({ series, column: encodeClock(series) }) - 1;
    return { id, clock, column: encodeColumn(series) };
  });
  const writer = new ByteWriter();
  for (const number of [device, clocks.length, columns.length]) writer.number(number);
  for (const { series, column } of clocks) {
    writer.number(series.count);
    writer.number(column.length);
  }
  let before = 0;
  for (const { id, clock, column } of columns) {
    for (const number of [id - before, clock, column.length]) writer.number(number);
    before = id;
  }
  for (const { column } of [...clocks, ...columns]) writer.raw(column);
  return writer.taken();
}

function sameClock(a: Series, b: Series): boolean {
  if (a.count !== b.count) return false;
  for (let at = 0; at < a.count; at++) {
    if (a.times[at] !== b.times[at] || (a.sequences?.[at] ?? 0) !== (b.sequences?.[at] ?? 0)) return false;
  }
  return true;
}

/** Start, the greatest common divisor of the steps, the steps in it; then the sequences where there are any. */
function encodeClock({ times, sequences, count }: Series): Uint8Array {
  const start = times[0] ?? 0;
  let unit = 0;
  for (let at = 1; at < count; at++) unit = commonDivisor(unit, Number(times[at]) - start);
  const writer = new ByteWriter();
  writer.number(start < 0 ? 1 : 0);
  writer.number(Math.abs(start));
  writer.number(Math.max(unit, 1));
  writeIntegers(
    writer,
    times.subarray(0, count).map((time) => (time - start) / Math.max(unit, 1)),
  );
  const counted = sequences?.subarray(0, count).some((sequence) => sequence !== 0) ? sequences : undefined;
  writer.number(counted ? 1 : 0);
  if (counted) writeValues(writer, counted.subarray(0, count));
  return writer.taken();
}

function commonDivisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

/** Qualities as runs, then the values. */
function encodeColumn({ qualities, values, count }: Series): Uint8Array {
  const writer = new ByteWriter();
  for (let from = 0; from < count;) {
    let to = from + 1;
    while (to < count && qualities[to] === qualities[from]) to++;
    // The last run, most often the only one, needs no length.
    writer.number(Number(qualities[from]) * 2 + (to === count ? 1 : 0));
    if (to < count) writer.number(to - from);
    from = to;
  }
  writeValues(writer, values.subarray(0, count));
  return writer.taken();
}

/** Checks the block as a whole. Throws RECORD_BLOCK_DAMAGED; what it returns is what was encoded. */
export function openBlock(bytes: Uint8Array): Block {
  return directory(unseal(FORM, bytes));
}

interface Place {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

function directory(body: Uint8Array): Block {
  const reader = new ByteReader(body);
  const [device, clockCount, streamCount] = [reader.number(), reader.number(), reader.number()];
  if (clockCount > streamCount || streamCount > body.length) throw damaged("its directory is too long");
  const heads = Array.from({ length: clockCount }, () => ({
    count: reader.number(),
    bytes: reader.number(),
  }));
  let id = 0;
  const entries = Array.from({ length: streamCount }, () => {
    id += reader.number();
    return { id, clock: reader.number(), bytes: reader.number() };
  });
  let at = reader.position;
  const place = (count: number, length: number): Place => ({ count, start: at, end: (at += length) });
  const clocks = heads.map(({ count, bytes }) => place(count, bytes));
  const columns = entries.map(({ clock, bytes }) => place(clocks[clock]?.count ?? 0, bytes));
  const readings = columns.reduce((sum, { count }) => sum + count, 0);
  if (at !== body.length || readings > BLOCK_READINGS_MAX) throw damaged("its columns do not fit in it");
  return opened(body, { device, readings, entries, clocks, columns });
}

interface Directory {
  readonly device: number;
  readonly readings: number;
  readonly entries: readonly { readonly id: number; readonly clock: number }[];
  readonly clocks: readonly Place[];
  readonly columns: readonly Place[];
}

function opened(body: Uint8Array, { device, readings, entries, clocks, columns }: Directory): Block {
  const read = new Map<number, Pick<Series, "times" | "sequences">>();
  const clockAt = (index: number): Pick<Series, "times" | "sequences"> => {
    const known = read.get(index) ?? decodeClock(body, clocks[index]);
    read.set(index, known);
    return known;
  };
  return {
    device,
    readings,
    streams: entries.map(({ id }) => id),
    series(stream) {
      const index = entries.findIndex(({ id }) => id === stream);
      const [entry, column] = [entries[index], columns[index]];
      if (!entry || !column) return undefined;
      return { count: column.count, ...clockAt(entry.clock), ...decodeColumn(body, column) };
    },
  };
}

function decodeClock(body: Uint8Array, clock: Place | undefined): Pick<Series, "times" | "sequences"> {
  if (!clock) throw damaged("a stream has no clock");
  const reader = new ByteReader(body, clock.start, clock.end);
  const sign = reader.number() === 0 ? 1 : -1;
  const [start, unit] = [sign * reader.number(), reader.number()];
  const times = readIntegers(reader, clock.count);
  for (let at = 0; at < clock.count; at++) times[at] = start + Number(times[at]) * unit;
  return reader.number() === 0 ? { times } : { times, sequences: readValues(reader, clock.count) };
}

function decodeColumn(body: Uint8Array, { start, end, count }: Place): Pick<Series, "qualities" | "values"> {
  const reader = new ByteReader(body, start, end);
  const qualities = new Uint8Array(count);
  for (let from = 0; from < count;) {
    const run = reader.number();
    const to = run % 2 === 1 ? count : from + reader.number();
    if (to > count || to <= from) throw damaged("a run of qualities does not fit");
    qualities.fill(run >> 1, from, to);
    from = to;
  }
  return { qualities, values: readValues(reader, count) };
}
