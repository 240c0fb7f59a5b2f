/**
 * The encoder of the fakes: a number into 16-bit registers, written from the Modbus specification and IEEE 754. It
 * shares nothing with the drivers' decoder, so that a mistake on one side cannot hide a mistake on the other.
 */
const BITS: Readonly<Record<string, number>> = {
  int16: 16,
  uint16: 16,
  int32: 32,
  uint32: 32,
  acc32: 32,
  int64: 64,
  uint64: 64,
  acc64: 64,
  float32: 32,
  float64: 64,
};

/** Registers that a value of this type takes, or undefined for a type that is not known here. */
export function wordCount(as: string): number | undefined {
  const bits = BITS[as];
  return bits === undefined ? undefined : bits / 16;
}

export const isFloat = (as: string): boolean => as.startsWith("float");
const isSigned = (as: string): boolean => as.startsWith("int");

/** The nearest number that the type can hold: whole for integers, within its range. */
export function nearest(value: number, as: string): number {
  if (as === "float32") return Math.fround(value);
  if (isFloat(as)) return value;
  const bits = BITS[as] ?? 16;
  const [low, high] = isSigned(as) ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return Math.max(low, Math.min(high, Math.round(value)));
}

/** The registers of a number, highest first, then in the device's order: ABCD, CDAB, BADC or DCBA. */
export function wordsFor(value: number, as: string, order: string): number[] {
  const bytes = Buffer.alloc((BITS[as] ?? 16) / 8);
  if (as === "float32") bytes.writeFloatBE(value);
  else if (as === "float64") bytes.writeDoubleBE(value);
  else {
    const pattern = BigInt.asUintN(bytes.length * 8, BigInt(nearest(value, as)));
    bytes.write(pattern.toString(16).padStart(bytes.length * 2, "0"), "hex");
  }
  if (order === "BADC" || order === "DCBA") bytes.swap16();
  const words = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(index * 2));
  return order === "CDAB" || order === "DCBA" ? words.reverse() : words;
}

/** Registers that can be written while a fake is put together. */
export interface DraftTables {
  readonly input: Map<number, number>;
  readonly holding: Map<number, number>;
}

export const draftTables = (): DraftTables => ({ input: new Map(), holding: new Map() });

export const put = (registers: Map<number, number>, at: number, words: readonly number[]): void =>
  words.forEach((word, index) => registers.set(at + index, word));
