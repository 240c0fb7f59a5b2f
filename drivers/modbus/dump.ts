import { FieldwattError } from "../../domain/model/index.ts";
import type { DeviceDefinition, Table } from "../definition.ts";
import { joined, type Decoded } from "../driver.ts";
import { bytesFromHex } from "../hex.ts";
import { crcFits } from "./crc.ts";
import {
  EXCEPTION_FLAG,
  exceptionText,
  ILLEGAL_ADDRESS,
  parseReply,
  tableOf,
  wordsOf,
  type ReadRequest,
} from "./pdu.ts";
import { decodePoints, problem, type RegisterSource } from "./points.ts";
import { decodeSunspecDump } from "./sunspec.ts";

/** Registers that were read from a device, by table and wire address. */
export type Registers = Readonly<Record<Table, ReadonlyMap<number, number>>>;

const invalid = (detail: string): FieldwattError => new FieldwattError("DECODE_INPUT_INVALID", detail);

/** `{"input": {"0": ["4366", "3333"]}, "holding": {…}}` as registers. Throws DECODE_INPUT_INVALID. */
export function parseRegisters(json: unknown): Registers {
  if (!isObject(json)) throw invalid('registers are an object: {"input": {"0": ["4366", "3333"]}}');
  const unknown = Object.keys(json).find((key) => key !== "input" && key !== "holding");
  if (unknown !== undefined) throw invalid(`there is no table "${unknown}"; use input and holding`);
  return { input: parseTable(json.input), holding: parseTable(json.holding) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One table; words are hex text in a list, or one row of hex ("4366 3333"). */
export function parseTable(table: unknown): Map<number, number> {
  const registers = new Map<number, number>();
  if (table === undefined || table === null) return registers;
  if (!isObject(table)) throw invalid("a table is an object from address to words");
  for (const [address, words] of Object.entries(table)) {
    const at = Number(address);
    if (!Number.isInteger(at) || at < 0 || at > 0xffff)
      throw invalid(`"${address}" is not a register address`);
    parseWords(words).forEach((word, index) => registers.set(at + index, word));
  }
  return registers;
}

function parseWords(words: unknown): number[] {
  if (typeof words === "string") {
    const bytes = bytesFromHex(words);
    if (bytes.length % 2 !== 0) throw invalid(`"${words.slice(0, 60)}" is not a row of 16-bit words`);
    return wordsOf(bytes);
  }
  if (Array.isArray(words)) return words.map(parseWord);
  throw invalid("words are a list of hex words");
}

function parseWord(word: unknown): number {
  const hex = typeof word === "string" ? /^\s*(?:0x)?([0-9a-f]{1,4})\s*$/i.exec(word)?.[1] : undefined;
  if (hex === undefined) throw invalid(`${JSON.stringify(word)} is not a hex word such as "4366"`);
  return Number.parseInt(hex, 16);
}

/** Decodes what is there of a device's registers. Throws DECODE_INPUT_INVALID where the device has no registers. */
export function decodeRegisters(definition: DeviceDefinition, registers: Registers): Decoded {
  const { dialect } = definition;
  if (dialect.kind === "modbus")
    return decodePoints(dialect.points, sourceOf(registers, dialect.sameTables ?? false));
  // SunSpec lives in holding registers; some gateways and dumps show the same ones as input registers.
  if (dialect.kind === "sunspec")
    return decodeSunspecDump(dialect, registers.holding.size > 0 ? registers.holding : registers.input);
  throw invalid(`${definition.id} does not speak Modbus`);
}

/** The other table stands in where the device has one set of registers behind both. */
function sourceOf(registers: Registers, sameTables: boolean): RegisterSource {
  const other = { input: "holding", holding: "input" } as const;
  return (table, at) =>
    registers[table].get(at) ?? (sameTables ? registers[other[table]].get(at) : undefined);
}

/** What GoodWe puts before a frame in a datagram (marcelblijleven/goodwe, goodwe/modbus.py). */
const DATAGRAM_PREFIX = [0xaa, 0x55];

const withoutPrefix = (frame: Uint8Array): Uint8Array =>
  DATAGRAM_PREFIX.every((byte, index) => frame[index] === byte)
    ? frame.subarray(DATAGRAM_PREFIX.length)
    : frame;

/**
 * Decodes one Modbus RTU request and its reply (hex, CRC included; a reply may stand behind GoodWe's AA 55). Damage and exceptions are problems without
 * samples; DECODE_INPUT_INVALID is thrown only for what is not hex, or not a request to read registers.
 */
export function decodeRtu(definition: DeviceDefinition, requestHex: string, frameHex: string): Decoded {
  const requestFrame = bytesFromHex(requestHex);
  const frame = withoutPrefix(bytesFromHex(frameHex));
  const request = parseRequest(requestFrame);
  if (requestFrame.length === 8 && !crcFits(requestFrame))
    return problem("checksum", "the CRC of the request is wrong");
  const shortest = ((frame[1] ?? 0) & EXCEPTION_FLAG) !== 0 ? 5 : 5 + request.count * 2;
  if (!crcFits(frame)) {
    if (frame.length < shortest)
      return problem("truncated", `the reply has ${frame.length} of ${shortest} bytes`);
    return problem("checksum", "the CRC of the reply is wrong");
  }
  const reply = parseReply(request, frame.subarray(0, -2));
  if (reply.kind === "wrong") return problem("unexpectedReply", reply.because);
  if (reply.kind === "exception") {
    const code = reply.code === ILLEGAL_ADDRESS ? "illegalAddress" : "unexpectedReply";
    return problem(code, `the device answered ${exceptionText(reply.code)}`);
  }
  return decodeAnswer(definition, request, reply.words);
}

function parseRequest(frame: Uint8Array): ReadRequest {
  const table = tableOf(frame[1] ?? 0);
  if ((frame.length !== 8 && frame.length !== 6) || !table)
    throw invalid("the request does not read registers (functions 3 and 4)");
  const [unit = 0, , at = 0, count = 0] = [frame[0], frame[1], ...wordsOf(frame.subarray(2, 6))];
  if (count < 1 || count > 125)
    throw invalid(`the request asks for ${count} registers; 1 to 125 can be read`);
  return { unit, table, at, count };
}

function decodeAnswer(definition: DeviceDefinition, request: ReadRequest, words: readonly number[]): Decoded {
  const empty = new Map<number, number>();
  const read = new Map(words.map((word, index) => [request.at + index, word]));
  const decoded = decodeRegisters(definition, { input: empty, holding: empty, [request.table]: read });
  if (decoded.samples.length > 0 || decoded.problems.length > 0) return decoded;
  const span = `${request.table} registers ${request.at} to ${request.at + request.count - 1}`;
  return joined([decoded, problem("missingRegister", `${definition.id} has no point in ${span}`)]);
}
