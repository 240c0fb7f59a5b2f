import type { Table } from "../definition.ts";
import { crcFits } from "./crc.ts";
import {
  type Answer,
  EXCEPTION_FLAG,
  FUNCTIONS,
  isWrong,
  parseReply,
  type Question,
  type ReadRequest,
  tableOf,
  WRITE_COIL,
  type Written,
} from "./pdu.ts";
import type { Found } from "./rtu-wait.ts";

/** All that a reply says about its request; `count` is 0 in an exception. */
export interface Shape {
  readonly table: Table;
  readonly count: number;
}

export const keyOf = ({ table, count }: Shape): string => `${table} ${count}`;

/** A whole reply with registers or an exception, of whichever unit. */
export interface HeardReply extends Shape {
  readonly unit: number;
  readonly frame: Uint8Array;
}

/** What came for a read. */
export type Said = Found<Answer>;

/**
 * What counts as the reply to a request. `reply`: registers or an exception, and other bytes in its place are damage.
 * For a fence, which waits for its reply behind older ones: `registers`, or `anything` that would be a reply.
 */
export type Expected = "reply" | "registers" | "anything";

/** The reply with its own length and CRC, wherever it begins: noise, an echo or another unit's reply may stand before. */
export function findReply(
  request: ReadRequest,
  buffer: Uint8Array,
  expects: Expected,
): { readonly answer: Answer; readonly start: number; readonly end: number } | undefined {
  const code = FUNCTIONS[request.table];
  for (let start = 0; start + 5 <= buffer.length; start++) {
    if (buffer[start] !== request.unit) continue;
    const refuses = buffer[start + 1] === (code | EXCEPTION_FLAG);
    if (refuses && expects === "registers") continue;
    const length = refuses ? 5 : 5 + request.count * 2;
    const frame = buffer.subarray(start, start + length);
    if (frame.length < length || !crcFits(frame)) continue;
    const answer = parseReply(request, frame.subarray(0, -2));
    if (!isWrong(answer)) return { answer, start, end: start + length };
  }
  return undefined;
}

/** The device's answer to a write, which repeats it: unit, coil and state, so that it is no other coil's. */
export function findEcho(
  question: Question<Written>,
  buffer: Uint8Array,
): { readonly answer: Written; readonly start: number; readonly end: number } | undefined {
  for (const length of [EXCEPTION_BYTES, ECHO_BYTES]) {
    for (let start = 0; start + length <= buffer.length; start++) {
      const frame = buffer.subarray(start, start + length);
      if (frame[0] !== question.unit || !crcFits(frame)) continue;
      const answer = question.parse(frame.subarray(0, -2));
      if (!isWrong(answer)) return { answer, start, end: start + length };
    }
  }
  return undefined;
}

const EXCEPTION_BYTES = 5;
/** Unit, function, address, state and CRC. */
export const ECHO_BYTES = 8;

/** Bytes of whole replies that came too late for their own requests and are no damage to this one. */
export function foreignBytes(buffer: Uint8Array, isForeign: (frame: Uint8Array) => boolean): number {
  const foreign = wholeReplies(buffer).filter(isForeign);
  return foreign.reduce((sum, frame) => sum + frame.length, 0);
}

/** Beside the answer to a read: another unit's, or a late one to a write. */
export const isBesideRead =
  ({ unit }: ReadRequest) =>
  (frame: Uint8Array): boolean =>
    frame[0] !== unit || frame[1] === WRITE_COIL;

/** Whose replies to reads stand in these bytes. */
export const repliesIn = (buffer: Uint8Array): HeardReply[] =>
  wholeReplies(buffer).flatMap((frame) => {
    const [unit = 0, code = 0, size = 0] = frame;
    const table = tableOf(code & ~EXCEPTION_FLAG);
    if (!table) return [];
    if ((code & EXCEPTION_FLAG) !== 0) return [{ unit, table, count: 0, frame }];
    return size > 0 && size % 2 === 0 ? [{ unit, table, count: size / 2, frame }] : [];
  });

/** Every whole frame with the form of a reply and a CRC that fits. */
function wholeReplies(buffer: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let start = 0; start + 5 <= buffer.length;) {
    const [, code = 0, size = 0] = buffer.subarray(start, start + 3);
    const length = lengthOf(code, size);
    const frame = buffer.subarray(start, start + length);
    const isFrame = frame.length === length && crcFits(frame);
    if (isFrame) frames.push(frame);
    start += isFrame ? length : 1;
  }
  return frames;
}

function lengthOf(code: number, size: number): number {
  if ((code & EXCEPTION_FLAG) !== 0) return EXCEPTION_BYTES;
  return code === WRITE_COIL ? ECHO_BYTES : 5 + size;
}
