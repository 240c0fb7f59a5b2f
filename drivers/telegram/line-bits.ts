/**
 * Seven data bits and even parity travel over an eight-bit line as they are: the parity is the eighth bit. So a port
 * needs no seven-bit mode, which many USB adapters do not have, and the parity of each character is a check.
 */

/** A character of seven bits with even parity in the eighth. */
export function evenParity(byte: number): number {
  let odd = 0;
  for (let rest = byte & 0x7f; rest > 0; rest >>= 1) odd ^= rest & 1;
  return odd ? byte | 0x80 : byte & 0x7f;
}

export const toSevenBits = (bytes: Uint8Array): Uint8Array => bytes.map(evenParity);

/** Stands for a character whose parity is wrong; no telegram of text has it. */
const DAMAGED = 0x00;

/**
 * The characters without their parity, and NUL for each whose parity is wrong. Adapters and optical heads that do
 * strip the parity themselves send nothing above 0x7F: then a character's parity says nothing.
 */
export function fromSevenBits(bytes: Uint8Array): Uint8Array {
  if (bytes.every((byte) => byte < 0x80)) return bytes;
  return bytes.map((byte) => (evenParity(byte & 0x7f) === byte ? byte & 0x7f : DAMAGED));
}

/** Bytes of a line that is heard from the middle on, or noise, may be damaged: one in ten. */
const DAMAGED_SHARE = 0.1;

/** Whether bytes of an unknown line are characters of seven bits with even parity: no others keep it for long. */
export function isSevenBits(bytes: Uint8Array): boolean {
  const odd = bytes.filter((byte) => evenParity(byte & 0x7f) !== byte).length;
  return bytes.some((byte) => byte >= 0x80) && odd <= bytes.length * DAMAGED_SHARE;
}
