import { instant, SLOT_MS } from "../../../domain/model/index.ts";
import { ByteReader, ByteWriter, damaged } from "../blocks/bytes.ts";
import { readIntegers, writeIntegers } from "../blocks/integers.ts";
import { seal, unseal } from "../blocks/seal.ts";
import { readValues, writeValues } from "../blocks/values.ts";
import type { RollUp } from "../readings.ts";

/** The quarter hours of one stream and civil day, by column. */
const FORM = 0xb2;
/** 25 hours. */
export const QUARTERS_MAX = 100;
/** Means are kept to this many digits more than the values have. */
const MORE_DIGITS = 1;
const DIGITS_MAX = 9;
const COVERAGE_DIGITS = 4;
const COLUMNS = ["first", "last", "min", "max", "mean", "coverage"] as const;

/** @param quarters of the day that begins at `day`, in order */
export function encodeQuarters(day: number, quarters: readonly RollUp[]): Uint8Array {
  const writer = new ByteWriter();
  writer.number(quarters.length);
  writeIntegers(
    writer,
    Float64Array.from(quarters, ({ start }) => (start - day) / SLOT_MS),
  );
  writeIntegers(
    writer,
    Float64Array.from(quarters, ({ count }) => count),
  );
  const rounded = withRoundMeans(quarters);
  for (const column of COLUMNS)
    writeValues(
      writer,
      Float64Array.from(rounded, (quarter) => quarter[column]),
    );
  return seal(FORM, writer.taken());
}

/** Throws RECORD_BLOCK_DAMAGED. */
export function decodeQuarters(day: number, bytes: Uint8Array): RollUp[] {
  const reader = new ByteReader(unseal(FORM, bytes));
  const count = reader.number();
  if (count > QUARTERS_MAX) throw damaged("a day has too many quarter hours");
  const [starts, counts] = [readIntegers(reader, count), readIntegers(reader, count)];
  const [first, last, min, max, mean, coverage] = COLUMNS.map(() => readValues(reader, count));
  return Array.from(starts, (position, at) => ({
    start: instant(day + position * SLOT_MS),
    end: instant(day + (position + 1) * SLOT_MS),
    first: Number(first?.[at]),
    last: Number(last?.[at]),
    min: Number(min?.[at]),
    max: Number(max?.[at]),
    mean: Number(mean?.[at]),
    count: Number(counts[at]),
    coverage: Number(coverage?.[at]),
  }));
}

/** A mean has as many digits as a division gives; one more than the values have is enough, and pack well. */
function withRoundMeans(quarters: readonly RollUp[]): RollUp[] {
  const digits = Math.min(DIGITS_MAX, digitsOf(quarters) + MORE_DIGITS);
  return quarters.map((quarter) => ({
    ...quarter,
    mean: rounded(quarter.mean, digits),
    coverage: rounded(quarter.coverage, COVERAGE_DIGITS),
  }));
}

const rounded = (value: number, digits: number): number => {
  const scale = 10 ** digits;
  const whole = Math.round(value * scale);
  return Number.isSafeInteger(whole) ? whole / scale : value;
};

/** Digits after the point that the values have. */
function digitsOf(quarters: readonly RollUp[]): number {
  for (let digits = 0; digits < DIGITS_MAX; digits++) {
    if (quarters.every(({ min, max }) => rounded(min, digits) === min && rounded(max, digits) === max))
      return digits;
  }
  return DIGITS_MAX;
}
