import { FieldwattError } from "../domain/model/index.ts";

/** Bytes of hex text in any case, with spaces, line ends, colons, commas or 0x between. Throws DECODE_INPUT_INVALID. */
export function bytesFromHex(text: string): Uint8Array {
  const digits = text.replace(/0x/gi, "").replace(/[\s:,_-]/g, "");
  if (digits === "" || digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new FieldwattError("DECODE_INPUT_INVALID", `"${text.slice(0, 60)}" is not a row of hex bytes`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
