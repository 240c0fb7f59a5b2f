/**
 * Registers as a slave holds them, and the encoders of the fakes. They are written from the makers' sheets and share
 * nothing with the drivers, so that a mistake on one side cannot hide a mistake on the other.
 */
export interface RegisterTables {
  readonly input?: ReadonlyMap<number, number>;
  readonly holding?: ReadonlyMap<number, number>;
}

/** IEEE 754 single precision, high word first: 230.2 is 4366 3333 (Eastron protocol sheet, example). */
export function float32(value: number): readonly [number, number] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return [view.getUint16(0), view.getUint16(2)];
}

/** Two's complement in one register; values outside the range stop at its ends. */
export const int16 = (value: number): readonly [number] => [
  Math.max(-32_768, Math.min(32_767, Math.round(value))) & 0xffff,
];

export const uint16 = (value: number): readonly [number] => [
  Math.max(0, Math.min(65_535, Math.round(value))),
];

/** 32 bits, high word first; wraps as a register does. */
export function uint32(value: number): readonly [number, number] {
  const whole = Math.round(value) >>> 0;
  return [whole >>> 16, whole & 0xffff];
}

export function uint32LowFirst(value: number): readonly [number, number] {
  const [high, low] = uint32(value);
  return [low, high];
}

/** Two ASCII characters a register, high byte first, padded with NUL. */
export function text(value: string, registers: number): readonly number[] {
  const bytes = Buffer.alloc(registers * 2);
  bytes.write(value, "latin1");
  return Array.from({ length: registers }, (_, i) => bytes.readUInt16BE(i * 2));
}

/** A table of `length` zero registers from `start`, with `values` written over them at their addresses. */
export function table(
  span: { readonly start: number; readonly length: number },
  values: Readonly<Record<number, readonly number[]>>,
): Map<number, number> {
  const registers = new Map<number, number>();
  for (let i = 0; i < span.length; i++) registers.set(span.start + i, 0);
  for (const [address, words] of Object.entries(values)) {
    words.forEach((word, i) => registers.set(Number(address) + i, word));
  }
  return registers;
}
