import { damaged, type ByteReader, type ByteWriter } from "./bytes.ts";

/**
 * A column of whole numbers. Written as it is above its minimum, as differences, or as differences of differences,
 * whichever has the fewest bits: noise around a level, a counter, and a clock.
 */

/** The second difference of numbers up to here still fits in a safe integer with its sign. */
export const INTEGER_MAX = 2 ** 49;

const PLAIN = 0;
const DELTA = 1;
const DELTA_OF_DELTA = 2;

/** @param column whole numbers, at most `INTEGER_MAX` away from 0 */
export function writeIntegers(writer: ByteWriter, column: Float64Array): void {
  const order = cheapestOrder(column);
  writer.number(order);
  if (order === PLAIN) return writePlain(writer, column);
  let before = 0;
  let step = 0;
  column.forEach((value, at) => {
    const delta = value - before;
    writer.signed(order === DELTA_OF_DELTA && at > 1 ? delta - step : delta);
    step = delta;
    before = value;
  });
}

function writePlain(writer: ByteWriter, column: Float64Array): void {
  const least = minimum(column);
  writer.signed(least);
  for (const value of column) writer.number(value - least);
}

/** @throws FieldwattError RECORD_BLOCK_DAMAGED */
export function readIntegers(reader: ByteReader, count: number): Float64Array<ArrayBuffer> {
  const column = new Float64Array(count);
  const order = reader.number();
  if (order > DELTA_OF_DELTA) throw damaged("a column has an unknown form");
  if (order === PLAIN) {
    const least = reader.signed();
    for (let at = 0; at < count; at++) column[at] = least + reader.number();
    return column;
  }
  let value = 0;
  let step = 0;
  for (let at = 0; at < count; at++) {
    const coded = reader.signed();
    step = order === DELTA_OF_DELTA && at > 1 ? step + coded : coded;
    value += step;
    column[at] = value;
  }
  return column;
}

function minimum(column: Float64Array): number {
  let least = column[0] ?? 0;
  for (const value of column) if (value < least) least = value;
  return least;
}

/** The order with the fewest bits, about: what zstd makes of them is close to that. */
function cheapestOrder(column: Float64Array): number {
  const least = minimum(column);
  let [plain, delta, deltaOfDelta] = [0, 0, 0];
  let before = column[0] ?? 0;
  let step = 0;
  for (const value of column) {
    const now = value - before;
    plain += bits(value - least);
    delta += bits(2 * Math.abs(now));
    deltaOfDelta += bits(2 * Math.abs(now - step));
    step = now;
    before = value;
  }
  if (deltaOfDelta < delta && deltaOfDelta < plain) return DELTA_OF_DELTA;
  return delta < plain ? DELTA : PLAIN;
}

const bits = (value: number): number => Math.log2(1 + value);
