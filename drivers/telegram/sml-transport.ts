import { crcKermit, crcX25 } from "./crc.ts";
import type { Found } from "./splitter.ts";

/**
 * SML transport protocol, version 1 (BSI TR-03109-1, annex IV, 8): 1b1b1b1b 01010101, the file, 0 to 3 fill bytes,
 * 1b1b1b1b 1a, the number of fill bytes and a CRC-16/X-25 of everything before it. Four escape bytes within the file
 * are sent twice.
 */
const ESCAPE = 0x1b;
const END = 0x1a;
const ESCAPE_LENGTH = 4;
const START = Buffer.from("1b1b1b1b01010101", "hex");
export const LONGEST_SML = 8_192;

function escapes(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === ESCAPE) end += 1;
  return end - at;
}

export function findSml(bytes: Uint8Array, final: boolean): Found {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(START);
  if (from < 0) return { kind: "wait", from: final ? bytes.length : startOfStart(bytes) };
  for (let at = from + START.length; at < bytes.length;) {
    const run = escapes(bytes, at);
    if (run < ESCAPE_LENGTH) at += run + 1;
    // The run may go on with the next byte that comes.
    else if (at + run + ESCAPE_LENGTH > bytes.length) break;
    else if (run >= 2 * ESCAPE_LENGTH) at += 2 * ESCAPE_LENGTH;
    else return atEscape(bytes, from, at + run);
  }
  if (!final) return { kind: "wait", from };
  return damaged(from, bytes.length, "truncated", "the last telegram has no end");
}

/** The last escape bytes of the buffer may be the beginning of a start mark. */
function startOfStart(bytes: Uint8Array): number {
  for (let length = Math.min(START.length - 1, bytes.length); length > 0; length--) {
    if (START.subarray(0, length).equals(bytes.subarray(bytes.length - length))) return bytes.length - length;
  }
  return bytes.length;
}

/** What an escape sequence says, whose four bytes end before `at`. */
function atEscape(bytes: Uint8Array, from: number, at: number): Found {
  if (bytes[at] === 0x01) {
    return damaged(from, at - ESCAPE_LENGTH, "truncated", "a telegram ends where the next begins");
  }
  if (bytes[at] !== END || (bytes[at + 1] ?? 0) > 3)
    return damaged(from, from + START.length, "malformed", "an escape sequence has no known meaning");
  const check = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  const covered = bytes.subarray(from, at + 2);
  if (crcX25(covered) !== check && crcKermit(covered) !== check)
    return damaged(from, from + START.length, "checksum", "the CRC of a telegram is wrong; it is left out");
  return { kind: "frame", from, to: at + ESCAPE_LENGTH };
}

const damaged = (
  from: number,
  resume: number,
  code: "checksum" | "malformed" | "truncated",
  detail: string,
): Found => ({ kind: "damaged", from, resume, problem: { code, detail } });

/** The SML file of a whole frame: without transport, escapes and fill bytes. */
export function fileOf(frame: Uint8Array): Uint8Array {
  const end = frame.length - 2 * ESCAPE_LENGTH;
  const file: number[] = [];
  for (let at = START.length; at < end;) {
    const run = Math.min(escapes(frame, at), end - at);
    if (run >= 2 * ESCAPE_LENGTH) {
      file.push(ESCAPE, ESCAPE, ESCAPE, ESCAPE);
      at += 2 * ESCAPE_LENGTH;
    } else file.push(frame[at++] ?? 0);
  }
  return Uint8Array.from(file.slice(0, file.length - (frame.at(-3) ?? 0)));
}
