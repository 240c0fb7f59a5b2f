import { FieldwattError } from "../../domain/model/index.ts";
import type { BytePort } from "../serial/port.ts";
import { crcFits, withCrc } from "./crc.ts";
import type { Answer, ModbusLine } from "./line.ts";
import { openRtuInput, type RtuInput } from "./rtu-input.ts";
import { unitLedger, type Fence } from "./rtu-units.ts";
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
 * owes has. Devices answer in order, so when that reply is here, the older ones can no longer come. A unit that speaks
 * unasked (a reply sent twice, a reply long given up) is fenced in the same way: it may do so again.
 */
export interface RtuOptions {
  readonly baudRate: number;
  readonly timeoutMs: number;
  /** What errors call the line: its path, or host and port. */
  readonly name: string;
}

/** Modbus over Serial Line 1.02, 2.5.1.1: 3.5 characters of 11 bits, and never less than 1.75 ms. */
const silenceOf = (baudRate: number): number => Math.max(1.75, (3.5 * 11 * 1000) / baudRate);
/** After this silence no more bytes of a damaged reply come: twice the 16 ms latency of common USB adapters, and some. */
const END_OF_NOISE_MS = 50;
/** A unit that owes a reply gets this much silence for it before it is asked again. */
const SETTLE_MS = 250;
/** A line that never falls silent is broken: silence is waited for at most this many times its length. */
const MAX_SILENCE_WAITS = 40;
/** A timer this late says that the program stood still: what came meanwhile was not seen yet. */
const STALL_MS = 20;

export function rtuLine(port: BytePort, { baudRate, timeoutMs, name }: RtuOptions): ModbusLine {
  const silenceMs = silenceOf(baudRate);
  const units = unitLedger(SETTLE_MS);
  const input = openRtuInput(port);
  let settled = true;

  const quiet = quietOf(input, name, (bytes) => {
    settled = false;
    registerReplies(bytes).forEach(units.owes);
  });
  const send = async (request: ReadRequest, options: ReplyOptions): Promise<Answer> => {
    units.owes(request);
    quiet.discard();
    // Not awaited: a port that never finishes writing must not outlast the time-out.
    port.write(withCrc(requestBytes(request))).catch(input.fail);
    return reply(input, request, options);
  };
  const fence = async (request: ReadRequest, options: Omit<ReplyOptions, "expects">): Promise<void> => {
    const settleMs = Math.min(options.timeoutMs, SETTLE_MS);
    await quiet.silence(settleMs, options.signal);
    const { asked, expects } = units.fenceFor(request);
    const answer = await send(asked, { ...options, expects });
    if (answer.kind === "exception") await quiet.silence(settleMs, options.signal);
    units.settled(request.unit);
    await quiet.silence(silenceMs, options.signal);
  };
  return {
    usable: () => input.ended() === undefined,
    async exchange(request, { timeoutMs: own = timeoutMs, signal } = {}) {
      signal?.throwIfAborted();
      const options = { name, timeoutMs: own, ...(signal && { signal }) };
      quiet.discard();
      // A reply that comes too late, or twice, may still be on its way.
      const short = settled && !units.mayRepeat(request);
      await quiet.silence(short ? silenceMs : Math.min(END_OF_NOISE_MS, own), signal);
      if (units.inDebt(request.unit)) await fence(request, options);
      settled = false;
      const answer = await send(request, { ...options, expects: "reply" });
      units.answered(request, answer);
      settled = true;
      return answer;
    },
    [Symbol.asyncDispose]: () => port[Symbol.asyncDispose](),
  };
}

interface Quiet {
  /** Throws away what came unasked, and tells it. */
  discard(): void;
  /** Resolves when nothing came for `ms`. Throws DEVICE_GARBLED where the line is never silent. */
  silence(ms: number, signal?: AbortSignal): Promise<void>;
}

function quietOf(input: RtuInput, name: string, onUnasked: (bytes: Uint8Array) => void): Quiet {
  const discard = (): void => {
    const bytes = input.bytes();
    if (bytes.length > 0) onUnasked(bytes);
    input.drop();
  };
  return {
    discard,
    async silence(ms, signal) {
      for (let waits = 0; waits < MAX_SILENCE_WAITS; waits++) {
        discard();
        const start = performance.now();
        const silent = (await input.news(ms, signal)) === "silence";
        if (silent && performance.now() - start < ms + STALL_MS) return;
      }
      const why = "the line never falls silent: a device babbles, or the baud rate is wrong";
      throw new FieldwattError("DEVICE_GARBLED", `${name}: ${why}`);
    },
  };
}

interface ReplyOptions {
  readonly name: string;
  readonly timeoutMs: number;
  /**
   * `reply`: anything that is not the reply is damage. For a fence, which waits for its reply behind older ones:
   * `registers`, or `anything` that would be a reply.
   */
  readonly expects: "reply" | Fence["expects"];
  readonly signal?: AbortSignal;
}

async function reply(
  input: RtuInput,
  request: ReadRequest,
  { name, timeoutMs, expects, signal }: ReplyOptions,
): Promise<Answer> {
  const failure = (received: number): FieldwattError => unanswered({ name, timeoutMs, received }, request);
  const deadline = performance.now() + timeoutMs;
  const enough = 5 + request.count * 2;
  for (;;) {
    const bytes = input.bytes();
    const found = findReply(request, bytes, expects);
    if (found) {
      input.drop(found.end);
      return found.answer;
    }
    const left = deadline - performance.now();
    if (left <= 0) throw failure(bytes.length);
    const damaged = expects === "reply" && bytes.length - foreignBytes(request, bytes) >= enough;
    const what = await input.news(damaged ? Math.min(END_OF_NOISE_MS, left) : left, signal);
    if (damaged && what === "silence") throw failure(bytes.length);
  }
}

function unanswered(
  { name, timeoutMs, received }: { name: string; timeoutMs: number; received: number },
  { unit }: ReadRequest,
): FieldwattError {
  if (received === 0)
    return new FieldwattError("DEVICE_TIMEOUT", `${name}: unit ${unit} gave no answer in ${timeoutMs} ms`);
  const what = `${received} bytes came that are not the reply of unit ${unit}`;
  return new FieldwattError("DEVICE_GARBLED", `${name}: ${what}`);
}

/** The reply with its own length and CRC, wherever it begins: noise, an echo or another unit's reply may stand before. */
function findReply(
  request: ReadRequest,
  buffer: Uint8Array,
  expects: ReplyOptions["expects"],
): { readonly answer: Answer; readonly end: number } | undefined {
  const code = FUNCTIONS[request.table];
  for (let start = 0; start + 5 <= buffer.length; start++) {
    if (buffer[start] !== request.unit) continue;
    const refuses = buffer[start + 1] === (code | EXCEPTION_FLAG);
    if (refuses && expects === "registers") continue;
    const length = refuses ? 5 : 5 + request.count * 2;
    const frame = buffer.subarray(start, start + length);
    if (frame.length < length || !crcFits(frame)) continue;
    const reply = parseReply(request, frame.subarray(0, -2));
    if (reply.kind !== "wrong") return { answer: reply, end: start + length };
  }
  return undefined;
}

/** Bytes of whole replies of other units, which came too late for their own requests and are no damage to this one. */
function foreignBytes(request: ReadRequest, buffer: Uint8Array): number {
  const foreign = wholeReplies(buffer).filter((frame) => frame[0] !== request.unit);
  return foreign.reduce((sum, frame) => sum + frame.length, 0);
}

/** Whose registers, and how many, stand in these bytes. */
const registerReplies = (buffer: Uint8Array): { readonly unit: number; readonly count: number }[] =>
  wholeReplies(buffer)
    .map(([unit = 0, code = 0, size = 0]) => ({ unit, code, count: size / 2 }))
    .filter(({ code }) => (code & EXCEPTION_FLAG) === 0);

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
