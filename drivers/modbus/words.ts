import { shortestFloat32 } from "../value.ts";

/** How a value lies in 16-bit registers. */
export const WORD_COUNTS = {
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int64: 4,
  uint64: 4,
  float32: 2,
  float64: 4,
  acc32: 2,
  acc64: 4,
} as const;
export type WordType = keyof typeof WORD_COUNTS;

/**
 * The order in which the bytes A (highest) to D (lowest) of a 32-bit value arrive. ABCD is the Modbus order; CDAB has
 * the low word first; BADC and DCBA are those two with the bytes of every register swapped, one-register values too.
 */
export const ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
export type Order = (typeof ORDERS)[number];

/** For one value at a time: every register of every device passes here. */
const scratch = new DataView(new ArrayBuffer(8));

/** The registers of one value as a big-endian view, highest byte first, until the next call. */
function bigEndian(words: readonly number[], order: Order): DataView {
  const lowFirst = order === "CDAB" || order === "DCBA";
  const swapped = order === "BADC" || order === "DCBA";
  words.forEach((word, index) =>
    scratch.setUint16((lowFirst ? words.length - 1 - index : index) * 2, word, swapped),
  );
  return scratch;
}

/** The bit pattern as an unsigned number, which is how data sheets write a sentinel (0x8000, 0x7FFFFFFF). */
export function bitPattern(words: readonly number[], order: Order): bigint {
  const view = bigEndian(words, order);
  let pattern = 0n;
  for (let index = 0; index < words.length * 2; index++)
    pattern = (pattern << 8n) | BigInt(view.getUint8(index));
  return pattern;
}

/** The number in these registers; NaN and infinities as they are, 64-bit numbers beyond 2^53 as NaN. */
export function numberFrom(words: readonly number[], as: WordType, order: Order): number {
  const view = bigEndian(words, order);
  switch (as) {
    case "int16":
      return view.getInt16(0);
    case "uint16":
      return view.getUint16(0);
    case "int32":
      return view.getInt32(0);
    case "uint32":
    case "acc32":
      return view.getUint32(0);
    case "int64":
      return exact(view.getBigInt64(0));
    case "uint64":
    case "acc64":
      return exact(view.getBigUint64(0));
    case "float64":
      return view.getFloat64(0);
    case "float32": {
      const value = view.getFloat32(0);
      return Number.isFinite(value) ? shortestFloat32(value) : value;
    }
  }
}

const exact = (value: bigint): number => (Number.isSafeInteger(Number(value)) ? Number(value) : Number.NaN);
