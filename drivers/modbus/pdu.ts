import type { Table } from "../definition.ts";

/** One read of registers. `at` is the wire address, 0-based; `count` is 1 to 125. */
export interface ReadRequest {
  readonly unit: number;
  readonly table: Table;
  readonly at: number;
  readonly count: number;
}

/** Modbus Application Protocol 1.1b3, 6.3 and 6.4. */
export const FUNCTIONS: Readonly<Record<Table, number>> = { holding: 3, input: 4 };

/** Set in the function code of an exception reply (ibid., 7). */
export const EXCEPTION_FLAG = 0x80;
export const ILLEGAL_ADDRESS = 2;

/** Ibid., 7: the exception codes in words. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: "illegal function",
  2: "illegal data address",
  3: "illegal data value",
  4: "device failure",
  5: "acknowledged, still busy",
  6: "device busy",
  8: "memory parity error",
  10: "gateway path unavailable",
  11: "gateway target gave no answer",
};

export const exceptionText = (code: number): string => `exception ${code} (${EXCEPTIONS[code] ?? "unknown"})`;

export const tableOf = (code: number): Table | undefined =>
  code === FUNCTIONS.holding ? "holding" : code === FUNCTIONS.input ? "input" : undefined;

/** Unit, function, address and count: the request without its envelope's ends. */
export const requestBytes = ({ unit, table, at, count }: ReadRequest): Uint8Array =>
  Uint8Array.of(unit, FUNCTIONS[table], at >>> 8, at & 0xff, count >>> 8, count & 0xff);

/** Big-endian words of an even number of bytes. */
export function wordsOf(bytes: Uint8Array): number[] {
  const words: number[] = [];
  for (let index = 0; index + 1 < bytes.length; index += 2)
    words.push(((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0));
  return words;
}

/** What a reply says: the registers, or the exception's code, or why it does not belong to the request. */
export type Reply =
  | { readonly kind: "words"; readonly words: readonly number[] }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "wrong"; readonly because: string };

/** Reads a reply of unit, function and data (no CRC, no MBAP header) as the answer to `request`. */
export function parseReply(request: ReadRequest, reply: Uint8Array): Reply {
  const [unit, code, third] = reply;
  if (unit !== request.unit) return wrong(`unit ${unit} answered, not unit ${request.unit}`);
  const expected = FUNCTIONS[request.table];
  if (code === (expected | EXCEPTION_FLAG)) {
    return third === undefined ? wrong("an exception without its code") : { kind: "exception", code: third };
  }
  if (code !== expected) return wrong(`function ${code} answered, not function ${expected}`);
  if (third !== request.count * 2) return wrong(`${third} bytes of registers, not ${request.count * 2}`);
  if (reply.length !== 3 + request.count * 2)
    return wrong(`the reply has ${reply.length} bytes, not ${3 + request.count * 2}`);
  return { kind: "words", words: wordsOf(reply.subarray(3)) };
}

const wrong = (because: string): Reply => ({ kind: "wrong", because });
