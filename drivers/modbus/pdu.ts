import type { Table } from "../definition.ts";

/** One read of registers. `at` is the wire address, 0-based; `count` is 1 to 125. */
export interface ReadRequest {
  readonly unit: number;
  readonly table: Table;
  readonly at: number;
  readonly count: number;
}

/** One coil, a switch behind a device, and where it is to go. `at` is the wire address, 0-based. */
export interface CoilWrite {
  readonly unit: number;
  readonly at: number;
  readonly on: boolean;
}

/** What a device said to one request: registers, or a Modbus exception. */
export type Answer =
  | { readonly kind: "words"; readonly words: readonly number[] }
  | { readonly kind: "exception"; readonly code: number };

/** What a device said to being switched. */
export type Written = { readonly kind: "done" } | { readonly kind: "exception"; readonly code: number };

/** A request in bytes (unit, function and data), and how its reply is read. */
export interface Question<Said extends { readonly kind: string }> {
  readonly unit: number;
  readonly bytes: Uint8Array;
  /** Of a reply of unit, function and data (no CRC, no MBAP header). */
  parse(reply: Uint8Array): Said | Wrong;
}

/** Why a reply does not belong to its request. */
export interface Wrong {
  readonly kind: "wrong";
  readonly because: string;
}

/** Modbus Application Protocol 1.1b3, 6.3 and 6.4. */
export const FUNCTIONS: Readonly<Record<Table, number>> = { holding: 3, input: 4 };

/** Ibid., 6.5 (Write Single Coil): ff00 is on, 0000 is off, and the reply is the request again. */
export const WRITE_COIL = 5;
const COIL_ON = 0xff;

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

export const readQuestion = (request: ReadRequest): Question<Answer> => ({
  unit: request.unit,
  bytes: requestBytes(request),
  parse: (reply) => parseReply(request, reply),
});

export function coilQuestion({ unit, at, on }: CoilWrite): Question<Written> {
  const bytes = Uint8Array.of(unit, WRITE_COIL, at >>> 8, at & 0xff, on ? COIL_ON : 0, 0);
  return { unit, bytes, parse: (reply) => parseEcho(bytes, reply) };
}

/** Reads a reply of unit, function and data (no CRC, no MBAP header) as the answer to `request`. */
export function parseReply(request: ReadRequest, reply: Uint8Array): Answer | Wrong {
  const refused = exceptionIn(reply, { unit: request.unit, code: FUNCTIONS[request.table] });
  if (refused) return refused;
  const third = reply[2];
  if (third !== request.count * 2) return wrong(`${third} bytes of registers, not ${request.count * 2}`);
  if (reply.length !== 3 + request.count * 2)
    return wrong(`the reply has ${reply.length} bytes, not ${3 + request.count * 2}`);
  return { kind: "words", words: wordsOf(reply.subarray(3)) };
}

function parseEcho(request: Uint8Array, reply: Uint8Array): Written | Wrong {
  const refused = exceptionIn(reply, { unit: request[0] ?? 0, code: WRITE_COIL });
  if (refused) return refused;
  if (Buffer.compare(request, reply) !== 0) return wrong("it does not repeat what it was told");
  return { kind: "done" };
}

/** The exception, or another unit's or function's reply; undefined where it is this unit's answer to this function. */
function exceptionIn(
  reply: Uint8Array,
  { unit, code: expected }: { readonly unit: number; readonly code: number },
): { readonly kind: "exception"; readonly code: number } | Wrong | undefined {
  const [from, code, third] = reply;
  if (from !== unit) return wrong(`unit ${from} answered, not unit ${unit}`);
  if (code === (expected | EXCEPTION_FLAG))
    return third === undefined ? wrong("an exception without its code") : { kind: "exception", code: third };
  return code === expected ? undefined : wrong(`function ${code} answered, not function ${expected}`);
}

export const isWrong = <Said extends { readonly kind: string }>(said: Said | Wrong): said is Wrong =>
  said.kind === "wrong";

const wrong = (because: string): Wrong => ({ kind: "wrong", because });
