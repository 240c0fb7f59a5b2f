import { FieldwattError } from "../../domain/model/index.ts";
import type { BytePort } from "../serial/port.ts";
import { crcFits, withCrc } from "./crc.ts";
import type { Answer, ModbusLine } from "./line.ts";
import { openRtuInput, type RtuInput } from "./rtu-input.ts";
import { EXCEPTION_FLAG, FUNCTIONS, parseReply, requestBytes, type ReadRequest } from "./pdu.ts";

/**
 * Modbus RTU over a serial line. Two things make it hard.
 *
 * Where does a frame end? The standard says: at a silence of 3.5 characters. USB adapters and slow devices put longer
 * silences inside a frame (esphome/esphome#17180), so here a reply ends where its expected length ends, and its CRC
 * must fit. Silence counts only before sending.
 *
 * Whose reply is it? A reply names its unit and function but not its address. A reply that comes after its time-out
 * looks exactly like the reply to the next request of the same length, and from then on every value may be a wrong
 * one (measured with modbus-serial 8.0.25: for ever). So a unit that owes a reply is fenced: before its next
 * request the line is let fall silent, and the unit is asked for a number of registers that none of the replies it
 * owes has. Devices answer in order, so when that reply is here, the older ones can no longer come.
 */
export interface RtuOptions {
  readonly baudRate: number;
  readonly timeoutMs: number;
}

/** Modbus over Serial Line 1.02, 2.5.1.1: 3.5 characters of 11 bits, and never less than 1.75 ms. */
const silenceOf = (baudRate: number): number => Math.max(1.75, (3.5 * 11 * 1000) / baudRate);
/** After this silence no more bytes of a damaged reply come: twice the 16 ms latency of common USB adapters, and some. */
const END_OF_NOISE_MS = 50;
/** A unit that owes a reply gets this much silence for it before it is asked again. */
const SETTLE_MS = 250;
/** A line that never falls silent is broken: silence is waited for at most this many times its length. */
const MAX_SILENCE_WAITS = 40;
/** Lengths that a unit may owe at once. When there are more, the oldest are at least as many time-outs old. */
const MAX_OWED = 8;

export function rtuLine(port: BytePort, { baudRate, timeoutMs }: RtuOptions): ModbusLine {
  const silenceMs = silenceOf(baudRate);
  const owed = new Map<number, Set<number>>();
  const input = openRtuInput(port);
  let settled = true;

  const send = async (request: ReadRequest, strict: boolean, signal?: AbortSignal): Promise<Answer> => {
    const lengths = owed.get(request.unit) ?? new Set();
    owed.set(request.unit, lengths.size < MAX_OWED ? lengths.add(request.count) : new Set([request.count]));
    input.clear();
    // Not awaited: a port that never finishes writing must not outlast the time-out.
    port.write(withCrc(requestBytes(request))).catch(input.fail);
    return reply(input, request, { timeoutMs, strict, ...(signal && { signal }) });
  };
  const fence = async (request: ReadRequest, signal?: AbortSignal): Promise<void> => {
    const lengths = owed.get(request.unit);
    if (!lengths) return;
    await silence(input, Math.min(timeoutMs, SETTLE_MS));
    const free = Array.from({ length: MAX_OWED + 2 }, (_, index) => index + 1);
    const count = free.find((candidate) => !lengths.has(candidate) && candidate !== request.count) ?? 1;
    await send({ ...request, count }, false, signal);
    owed.delete(request.unit);
  };
  return {
    usable: () => input.ended() === undefined,
    async exchange(request, signal) {
      signal?.throwIfAborted();
      await fence(request, signal);
      // A reply that comes too late may still be on its way, from whichever unit.
      await silence(input, settled ? silenceMs : END_OF_NOISE_MS);
      settled = false;
      const answer = await send(request, true, signal);
      owed.delete(request.unit);
      settled = true;
      return answer;
    },
    [Symbol.asyncDispose]: () => port[Symbol.asyncDispose](),
  };
}

interface ReplyOptions {
  readonly timeoutMs: number;
  /** True: anything that is not the reply is damage. False: wait for the reply behind it. */
  readonly strict: boolean;
  readonly signal?: AbortSignal;
}

/** Resolves when nothing came for `ms`; what came is thrown away. Throws DEVICE_GARBLED where it never is silent. */
async function silence(input: RtuInput, ms: number): Promise<void> {
  for (let waits = 0; waits < MAX_SILENCE_WAITS; waits++) {
    input.clear();
    if ((await input.news(ms)) === "silence") return input.clear();
  }
  const why = "the line never falls silent: a device babbles, or the baud rate is wrong";
  throw new FieldwattError("DEVICE_GARBLED", why);
}

async function reply(
  input: RtuInput,
  request: ReadRequest,
  { timeoutMs, strict, signal }: ReplyOptions,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  const enough = 5 + request.count * 2;
  for (;;) {
    const bytes = input.bytes();
    const answer = findReply(request, bytes);
    if (answer) return answer;
    const left = deadline - performance.now();
    if (left <= 0) throw unanswered(request, bytes.length, timeoutMs);
    const damaged = strict && bytes.length - foreignBytes(request, bytes) >= enough;
    const what = await input.news(damaged ? Math.min(END_OF_NOISE_MS, left) : left, signal);
    if (damaged && what === "silence") throw unanswered(request, bytes.length, timeoutMs);
  }
}

function unanswered({ unit }: ReadRequest, received: number, timeoutMs: number): FieldwattError {
  if (received === 0)
    return new FieldwattError("DEVICE_TIMEOUT", `unit ${unit} gave no answer in ${timeoutMs} ms`);
  return new FieldwattError(
    "DEVICE_GARBLED",
    `unit ${unit}: ${received} bytes came that are not the reply that was asked for`,
  );
}

/** The reply with its own length and CRC, wherever it begins: noise, an echo or another unit's reply may stand before. */
function findReply(request: ReadRequest, buffer: Uint8Array): Answer | undefined {
  const code = FUNCTIONS[request.table];
  for (let start = 0; start + 5 <= buffer.length; start++) {
    if (buffer[start] !== request.unit) continue;
    const length = buffer[start + 1] === (code | EXCEPTION_FLAG) ? 5 : 5 + request.count * 2;
    const frame = buffer.subarray(start, start + length);
    if (frame.length < length || !crcFits(frame)) continue;
    const reply = parseReply(request, frame.subarray(0, -2));
    if (reply.kind !== "wrong") return reply;
  }
  return undefined;
}

/** Bytes of whole replies of other units, which came too late for their own requests and are no damage to this one. */
function foreignBytes(request: ReadRequest, buffer: Uint8Array): number {
  let [bytes, start] = [0, 0];
  while (start + 5 <= buffer.length) {
    const [unit, code = 0, size = 0] = buffer.subarray(start, start + 3);
    const length = (code & EXCEPTION_FLAG) === 0 ? 5 + size : 5;
    const whole = start + length <= buffer.length && unit !== request.unit;
    const isFrame = whole && crcFits(buffer.subarray(start, start + length));
    if (isFrame) bytes += length;
    start += isFrame ? length : 1;
  }
  return bytes;
}
