import type { Found } from "./splitter.ts";

/**
 * Frames of wired M-Bus (EN 13757-2, IEC 60870-5-1 format FT1.2): 68 L L 68, L bytes from C to the last of the data,
 * their sum, 16. Short frames (10 C A sum 16) and the one byte E5 carry no values.
 */
const LONG = 0x68;
const SHORT = 0x10;
const STOP = 0x16;
const SHORT_LENGTH = 5;
/** Bytes of a long frame that L does not count: the two marks, the two lengths, the sum and the stop. */
const AROUND = 6;
const SHORTEST = 3;
export const LONGEST_MBUS = 255 + AROUND;

export const sumOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);

export function findMbus(bytes: Uint8Array, final: boolean): Found {
  for (let at = 0; at < bytes.length; at++) {
    const found =
      bytes[at] === LONG ? longAt(bytes, at) : bytes[at] === SHORT ? shortAt(bytes, at) : undefined;
    if (found?.kind === "wait" && final) {
      // Less than the four bytes of a beginning are only stray.
      if (bytes.length - at < 4) continue;
      const problem = { code: "truncated", detail: "the last frame has no end" } as const;
      return { kind: "damaged", from: at, resume: at + 1, problem };
    }
    if (found) return found;
  }
  return { kind: "wait", from: bytes.length };
}

function longAt(bytes: Uint8Array, at: number): Found | undefined {
  const [, first, second, mark] = bytes.subarray(at, at + 4);
  if (first === undefined || second === undefined || mark === undefined) return { kind: "wait", from: at };
  if (mark !== LONG || first < SHORTEST) return undefined;
  const damaged = (code: "checksum" | "malformed", detail: string): Found => ({
    kind: "damaged",
    from: at,
    resume: at + 1,
    problem: { code, detail },
  });
  if (first !== second) return damaged("malformed", "the two lengths of a frame are not the same");
  const end = at + first + AROUND;
  if (end > bytes.length) return { kind: "wait", from: at };
  if (bytes[end - 1] !== STOP) return damaged("malformed", "a frame does not end where its length says");
  return sumOf(bytes.subarray(at + 4, end - 2)) === bytes[end - 2]
    ? { kind: "frame", from: at, to: end }
    : damaged("checksum", "the checksum of a frame is wrong; it is left out");
}

function shortAt(bytes: Uint8Array, at: number): Found | undefined {
  const frame = bytes.subarray(at, at + SHORT_LENGTH);
  if (frame.length < SHORT_LENGTH) return { kind: "wait", from: at };
  if (frame[4] !== STOP || sumOf(frame.subarray(1, 3)) !== frame[3]) return undefined;
  return { kind: "frame", from: at, to: at + SHORT_LENGTH };
}

/** A request of the master: REQ_UD2 (0x5B, 0x7B with the frame count bit) or SND_NKE (0x40) to an address. */
export const shortFrame = (control: number, address: number): Uint8Array =>
  Uint8Array.of(SHORT, control, address, (control + address) & 0xff, STOP);
