/** Consistent overhead byte stuffing (S. Cheshire, M. Baker, 1999): bytes without a zero, so that a zero ends a frame. */
const LONGEST_RUN = 254;

export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const out: number[] = [0];
  let code = 0;
  const close = (): void => {
    out[code] = out.length - code;
    code = out.length;
    out.push(0);
  };
  for (const byte of bytes) {
    if (out.length - code > LONGEST_RUN) close();
    if (byte === 0) close();
    else out.push(byte);
  }
  out[code] = out.length - code;
  return Uint8Array.from(out);
}

/** The bytes, or undefined where the input is no COBS. */
export function cobsDecode(bytes: Uint8Array): Uint8Array | undefined {
  const out: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at] ?? 0;
    const run = bytes.subarray(at + 1, at + code);
    if (code === 0 || run.length < code - 1 || run.includes(0)) return undefined;
    out.push(...run);
    at += code;
    if (code <= LONGEST_RUN && at < bytes.length) out.push(0);
  }
  return Uint8Array.from(out);
}
