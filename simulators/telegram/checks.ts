/** A CRC-16 bit by bit, least significant bit first, as the standards print it. */
function crc(bytes: Uint8Array, polynomial: number, start: number): number {
  let register = start;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (register ^ (byte >> bit)) & 1;
      register >>>= 1;
      if (out) register ^= polynomial;
    }
  }
  return register;
}

/** x^16 + x^15 + x^2 + 1, start 0: P1 Companion Standard 5.0.2, 6.2; SDI-12 1.4, 4.4.12. */
export const crcOfText = (bytes: Uint8Array): number => crc(bytes, 0xa001, 0);
/** x^16 + x^12 + x^5 + 1, start FFFF, inverted: DIN EN 62056-46, 6.4.4. */
export const crcOfSml = (bytes: Uint8Array): number => crc(bytes, 0x8408, 0xffff) ^ 0xffff;
/** The arithmetic sum modulo 256: EN 13757-2, 5.2; DL/T 645, 5.2.5. */
export const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;

/** Decimal digits two a byte, the low ones first. */
export function decimals(value: number | string, bytes: number): Buffer {
  const text = String(value)
    .padStart(2 * bytes, "0")
    .slice(-2 * bytes);
  return Buffer.from(Buffer.from(text, "hex").toReversed());
}
