import type { Table } from "../definition.ts";
import { crcFits } from "./crc.ts";
import type { Answer } from "./line.ts";
import { EXCEPTION_FLAG, FUNCTIONS, parseReply, tableOf, type ReadRequest } from "./pdu.ts";

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

/** What came for a request: its answer, the whole frame, and the bytes that came before. */
export interface Said {
  readonly answer: Answer;
  readonly frame: Uint8Array;
  readonly before: Uint8Array;
}

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
    if (answer.kind !== "wrong") return { answer, start, end: start + length };
  }
  return undefined;
}

/** Bytes of whole replies of other units, which came too late for their own requests and are no damage to this one. */
export function foreignBytes(request: ReadRequest, buffer: Uint8Array): number {
  const foreign = wholeReplies(buffer).filter((frame) => frame[0] !== request.unit);
  return foreign.reduce((sum, frame) => sum + frame.length, 0);
}

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
    const length = (code & EXCEPTION_FLAG) === 0 ? 5 + size : 5;
    const frame = buffer.subarray(start, start + length);
    const isFrame = frame.length === length && crcFits(frame);
    if (isFrame) frames.push(frame);
    start += isFrame ? length : 1;
  }
  return frames;
}
