import { sequenceAt, type ReadingColumns } from "../blocks/columns.ts";
import { ByteReader, ByteWriter, WHOLE_MAX } from "./bytes.ts";

/**
 * A commit's readings as few bytes. They are grouped by stream, because what is alike then lies side by side; inside a
 * stream they keep their order, so that of two readings of one identity the first stays the first. A meter's values
 * are decimals (230.2 V, 11679.2 Wh), so they become whole numbers of a power of ten and are stored as differences;
 * what is no short decimal stays a float of four or eight bytes. Every value comes back bit for bit.
 *
 * A group: stream's number (difference to the group before), count, one byte that says how; then times, values,
 * qualities where one is not "ok", sequences where there is one.
 */

/** How times stand in the bytes: bits 0 and 1 of the group's byte. */
const TIMES = { asBefore: 0, differences: 1, raw: 2 } as const;
/** How values stand: bits 2 to 5. Up to `DECIMALS_MAX` it is the number of decimals. */
const DECIMALS_MAX = 9;
const FLOAT32 = 10;
const FLOAT64 = 11;
const HAS_QUALITIES = 0x40;
const HAS_SEQUENCES = 0x80;

const POWERS = Array.from({ length: DECIMALS_MAX + 1 }, (_, decimals) => 10 ** decimals);
/** Stream and position in one double: 2^32 streams, 2^21 readings. */
const POSITIONS = 2 ** 21;

export function encodeColumns(columns: ReadingColumns): Buffer<ArrayBuffer> {
  if (columns.count >= POSITIONS)
    throw new RangeError(`${columns.count} readings are too many for one frame`);
  const to = new ByteWriter(columns.count * 8);
  const order = inOrderOfStreams(columns);
  to.varint(columns.count);
  let stream = 0;
  let before: readonly number[] = [];
  for (let from = 0, end = 0; from < order.length; from = end) {
    const next = Number(columns.streams[Number(order[from])]);
    end = from;
    while (end < order.length && columns.streams[Number(order[end])] === next) end++;
    to.varint(next - stream);
    to.varint(end - from);
    before = encodeGroup(to, columns, { order: order.subarray(from, end), before });
    stream = next;
  }
  return to.done();
}

function inOrderOfStreams({ count, streams }: ReadingColumns): Uint32Array {
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = Number(streams[i]) * POSITIONS + i;
  keys.sort();
  return Uint32Array.from(keys, (key) => key % POSITIONS);
}

interface Group {
  readonly order: Uint32Array;
  /** The times of the group before. */
  readonly before: readonly number[];
}

/** @returns the group's times */
function encodeGroup(to: ByteWriter, columns: ReadingColumns, { order, before }: Group): readonly number[] {
  const times = Array.from(order, (at) => Number(columns.times[at]));
  const values = Array.from(order, (at) => Number(columns.values[at]));
  const qualities = Array.from(order, (at) => Number(columns.qualities[at]));
  const sequences = Array.from(order, (at) => sequenceAt(columns, at));
  const howTimes = timesKind(times, before);
  const howValues = valuesKind(values);
  const marked = qualities.some((quality) => quality !== 0);
  const numbered = sequences.some((sequence) => sequence !== 0);
  to.byte(howTimes | (howValues << 2) | (marked ? HAS_QUALITIES : 0) | (numbered ? HAS_SEQUENCES : 0));
  if (howTimes === TIMES.differences) encodeWhole(to, times, before[0] ?? 0);
  else if (howTimes === TIMES.raw) for (const time of times) to.float64(time);
  encodeValues(to, values, howValues);
  if (marked) for (const quality of qualities) to.byte(quality);
  if (numbered) encodeSequences(to, sequences);
  return times;
}

function timesKind(times: readonly number[], before: readonly number[]): number {
  if (times.length === before.length && times.every((time, i) => time === before[i])) return TIMES.asBefore;
  return times.every((time) => Math.abs(time) <= WHOLE_MAX) && Math.abs(before[0] ?? 0) <= WHOLE_MAX
    ? TIMES.differences
    : TIMES.raw;
}

/** The smallest number of decimals at which every value is whole, or a kind of float. */
function valuesKind(values: readonly number[]): number {
  let decimals = 0;
  for (const value of values) while (decimals <= DECIMALS_MAX && !isDecimal(value, decimals)) decimals++;
  if (decimals <= DECIMALS_MAX && values.every((value) => isDecimal(value, decimals))) return decimals;
  return values.every((value) => Object.is(Math.fround(value), value)) ? FLOAT32 : FLOAT64;
}

function isDecimal(value: number, decimals: number): boolean {
  const power = Number(POWERS[decimals]);
  const whole = Math.round(value * power);
  return Math.abs(whole) <= WHOLE_MAX && whole / power === value && !Object.is(value, -0);
}

function encodeValues(to: ByteWriter, values: readonly number[], kind: number): void {
  if (kind === FLOAT32) for (const value of values) to.float32(value);
  else if (kind === FLOAT64) for (const value of values) to.float64(value);
  else {
    const power = Number(POWERS[kind]);
    encodeWhole(
      to,
      values.map((value) => Math.round(value * power)),
      0,
    );
  }
}

function encodeWhole(to: ByteWriter, numbers: readonly number[], start: number): void {
  let last = start;
  for (const number of numbers) {
    to.zigzag(number - last);
    last = number;
  }
}

function encodeSequences(to: ByteWriter, sequences: readonly number[]): void {
  const raw = sequences.some((sequence) => sequence > WHOLE_MAX);
  to.byte(raw ? 1 : 0);
  if (raw) for (const sequence of sequences) to.float64(sequence);
  else encodeWhole(to, sequences, 0);
}

/** What `encodeColumns` made, in its order. Throws RangeError for bytes that it did not make. */
export function decodeColumns(bytes: Buffer): ReadingColumns {
  const from = new ByteReader(bytes);
  const count = from.varint();
  if (count >= POSITIONS) throw new RangeError(`${count} readings in one frame`);
  const into: Columns = {
    streams: new Uint32Array(count),
    times: new Float64Array(count),
    values: new Float64Array(count),
    qualities: new Uint8Array(count),
  };
  let stream = 0;
  let before = new Float64Array(0);
  for (let at = 0; at < count;) {
    stream += from.varint();
    const end = at + from.varint();
    if (end > count || end === at) throw new RangeError("a group has a wrong size");
    into.streams.fill(stream, at, end);
    decodeGroup(from, into, { at, end, before });
    before = into.times.subarray(at, end);
    at = end;
  }
  if (!from.atEnd) throw new RangeError("there are bytes after the last reading");
  return { count, ...into };
}

interface Columns {
  readonly streams: Uint32Array<ArrayBuffer>;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  readonly qualities: Uint8Array<ArrayBuffer>;
  sequences?: Float64Array<ArrayBuffer>;
}

interface Place {
  readonly at: number;
  readonly end: number;
  readonly before: Float64Array;
}

function decodeGroup(from: ByteReader, into: Columns, { at, end, before }: Place): void {
  const how = from.byte();
  const times = into.times.subarray(at, end);
  if ((how & 3) === TIMES.asBefore) times.set(before);
  else if ((how & 3) === TIMES.differences) decodeWhole(from, times, { start: before[0] ?? 0, power: 1 });
  else for (let i = 0; i < times.length; i++) times[i] = from.float64();
  decodeValues(from, into.values.subarray(at, end), (how >> 2) & 0x0f);
  if (how & HAS_QUALITIES) for (let i = at; i < end; i++) into.qualities[i] = from.byte();
  if ((how & HAS_SEQUENCES) === 0) return;
  into.sequences ??= new Float64Array(into.times.length);
  const sequences = into.sequences.subarray(at, end);
  if (from.byte() === 0) decodeWhole(from, sequences, { start: 0, power: 1 });
  else for (let i = 0; i < sequences.length; i++) sequences[i] = from.float64();
}

function decodeValues(from: ByteReader, into: Float64Array, kind: number): void {
  if (kind <= DECIMALS_MAX) decodeWhole(from, into, { start: 0, power: Number(POWERS[kind]) });
  else for (let i = 0; i < into.length; i++) into[i] = kind === FLOAT32 ? from.float32() : from.float64();
}

function decodeWhole(
  from: ByteReader,
  into: Float64Array,
  { start, power }: { readonly start: number; readonly power: number },
): void {
  let whole = start;
  for (let i = 0; i < into.length; i++) {
    whole += from.zigzag();
    into[i] = whole / power;
  }
}
