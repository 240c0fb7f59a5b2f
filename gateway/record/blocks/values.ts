import { damaged, type ByteReader, type ByteWriter } from "./bytes.ts";
import { INTEGER_MAX, readIntegers, writeIntegers } from "./integers.ts";

/**
 * A column of measured values, kept to the last bit. A meter's register is a whole number times a power of ten, so
 * most columns are whole numbers divided by a small divisor. A conversion that multiplied (kWh to Wh) leaves some
 * values one step of the floating point beside that: these steps are a column of their own. Anything else is the
 * eight bytes of each value, first all first bytes, then all second ones, which zstd likes better.
 */

/** The position is what a block holds: append only. 60 is of watt-minutes as Wh, 3,600 of joules, 9 of Fahrenheit. */
const DIVISORS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 60, 6, 3_600, 3.6, 9, 90, 900] as const;
/** Divisors that are tried with steps. */
const STEPPED = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 60, 6, 9, 90, 900];
/** More steps than this are no rounding of one multiplication. */
const STEPS_MAX = 8;

const EXACT = 0;
const WITH_STEPS = 1;
const RAW = 2;

/** @param values finite */
export function writeValues(writer: ByteWriter, values: Float64Array): void {
  const divisor = exactDivisor(values);
  if (divisor !== undefined) {
    writer.number(EXACT);
    writer.number(DIVISORS.indexOf(divisor));
    return writeIntegers(writer, wholesOf(values, divisor));
  }
  const stepped = withSteps(values);
  if (!stepped) return writeRaw(writer, values);
  writer.number(WITH_STEPS);
  writer.number(DIVISORS.findIndex((known) => known === stepped.divisor));
  writeIntegers(writer, wholesOf(values, stepped.divisor));
  writeIntegers(writer, stepped.steps);
}

/** @throws FieldwattError RECORD_BLOCK_DAMAGED */
export function readValues(reader: ByteReader, count: number): Float64Array<ArrayBuffer> {
  const form = reader.number();
  if (form === RAW) return readRaw(reader, count);
  const divisor = DIVISORS[reader.number()];
  if (divisor === undefined || form > RAW) throw damaged("a column has an unknown form");
  const values = readIntegers(reader, count);
  for (let at = 0; at < count; at++) values[at] = Number(values[at]) / divisor;
  if (form === WITH_STEPS) applySteps(values, readIntegers(reader, count));
  return values;
}

function wholesOf(values: Float64Array, divisor: number): Float64Array {
  return values.map((value) => Math.round(value * divisor));
}

const exactDivisor = (values: Float64Array): (typeof DIVISORS)[number] | undefined =>
  DIVISORS.find((divisor) =>
    values.every((value) => {
      const whole = Math.round(value * divisor);
      // Object.is: a whole number has no -0.
      return (
        whole <= INTEGER_MAX && whole >= -INTEGER_MAX && Object.is(whole === 0 ? 0 : whole / divisor, value)
      );
    }),
  );

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);
const bitsOf = (value: number): bigint => {
  double[0] = value;
  return bits[0] ?? 0n;
};

/** How many representable numbers lie between two of the same sign; undefined where they are too many. */
function stepsBetween(from: number, to: number): number | undefined {
  if (from === to) return Object.is(to, -0) ? undefined : 0;
  // Of one sign, the order of doubles is the order of their bits (IEEE 754-2019, 5.10).
  if (from === 0 || to === 0 || from < 0 !== to < 0) return undefined;
  if (Math.abs(to - from) > Math.abs(from) * 2 ** -48) return undefined;
  const steps = Number(bitsOf(to) - bitsOf(from));
  return Math.abs(steps) <= STEPS_MAX ? steps : undefined;
}

function withSteps(values: Float64Array): { divisor: number; steps: Float64Array } | undefined {
  for (const divisor of STEPPED) {
    const steps = new Float64Array(values.length);
    const fits = values.every((value, at) => {
      const whole = Math.round(value * divisor);
      const found = Math.abs(whole) <= INTEGER_MAX ? stepsBetween(whole / divisor, value) : undefined;
      steps[at] = found ?? 0;
      return found !== undefined;
    });
    if (fits) return { divisor, steps };
  }
  return undefined;
}

function applySteps(values: Float64Array, steps: Float64Array): void {
  for (let at = 0; at < values.length; at++) {
    const step = Number(steps[at]);
    if (step === 0) continue;
    double[0] = Number(values[at]);
    bits[0] = (bits[0] ?? 0n) + BigInt(step);
    values[at] = Number(double[0]);
  }
}

function writeRaw(writer: ByteWriter, values: Float64Array): void {
  writer.number(RAW);
  const bytes = Buffer.alloc(values.length * 8);
  const one = Buffer.alloc(8);
  values.forEach((value, at) => {
    one.writeDoubleBE(value);
    for (let plane = 0; plane < 8; plane++) bytes[plane * values.length + at] = Number(one[plane]);
  });
  writer.raw(bytes);
}

function readRaw(reader: ByteReader, count: number): Float64Array<ArrayBuffer> {
  const bytes = reader.raw(count * 8);
  const values = new Float64Array(count);
  const one = Buffer.alloc(8);
  for (let at = 0; at < count; at++) {
    for (let plane = 0; plane < 8; plane++) one[plane] = Number(bytes[plane * count + at]);
    values[at] = one.readDoubleBE();
  }
  return values;
}
