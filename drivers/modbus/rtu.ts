import { FieldwattError } from "../../domain/model/index.ts";
import type { HeedfulPort } from "../serial/port.ts";
import { withCrc } from "./crc.ts";
import type { ModbusLine } from "./line.ts";
import { END_OF_NOISE_MS, SETTLE_MS, waitFor, type WaitOptions } from "./rtu-wait.ts";
import { coilWriter } from "./rtu-write.ts";
import { openRtuInput, type RtuInput } from "./rtu-input.ts";
import { findReply, foreignBytes, isBesideRead, repliesIn, type Expected, type Said } from "./rtu-frames.ts";
import { unitLedger, type UnitLedger } from "./rtu-units.ts";
import { requestBytes, type ReadRequest } from "./pdu.ts";

/**
 * Modbus RTU over a serial line. Two things make it hard.
 *
 * Where does a frame end? The standard says: at a silence of 3.5 characters. USB adapters and slow devices put longer
 * silences inside a frame (esphome/esphome#17180), so here a reply ends where its expected length ends, and its CRC
 * must fit. Silence counts only before sending.
 *
 * Whose reply is it? A reply names its unit, its function and its length (together: its shape), but not its address.
 * One that was meant for an earlier request of the same shape passes for the reply to this one, and from then on every
 * value may be a wrong one (measured with modbus-serial 8.0.25: for ever). There are two ways for that to happen.
 *
 * 1. A reply comes late, after its time-out, and nobody can say how late. Time is no cure; order is: a unit answers its
 *    requests one after another. So a unit that owes a reply is fenced: before its next request it is asked for
 *    something of a shape that it does not owe. When that reply is here, whatever it owed can no longer come. Nothing
 *    depends on how late a reply is, nor on how long this program stood still meanwhile.
 *
 * 2. A reply comes twice: no device should do that, but bridges and adapters do. Here time has to help: no request
 *    leaves within 50 ms after a reply of its shape was heard from its unit, be it an answer, the answer to a fence, or
 *    one that nobody waited for. Only the very same request may be repeated at once: a copy of its last answer is its
 *    answer still, but leaves the repeated request's own reply behind, so the next other request of that shape, or
 *    this one later, is fenced. The 50 ms count from when the reply was read, which is
 *    never before it came, and end only when the line is seen to be empty: a timer that goes off after the program stood
 *    still says nothing, because timers run before what came meanwhile is read (HeedfulPort.caughtUp). And a unit that
 *    was once heard to speak unasked is fenced on both sides for its next answers: before a request, and after its
 *    answer. If a second reply of the answer's shape comes before the fence behind it is answered, one of the two was a
 *    copy, and neither is believed.
 *
 * So a unit that answers each request at most once, and in order, cannot make this line give a value of another request,
 * however late it is. One that also sends copies cannot either, if a copy is at most 50 ms behind its reply; and once it
 * is known to do so, a later copy cannot either, unless the true reply is lost at the same time. What is left, and bounded
 * by time alone: an exception of a unit that never yet answered with registers and has no second table (all exceptions
 * look alike, so a silence of 250 ms has to do); a unit so many unanswered requests behind that every length is owed
 * (ten and more); and a reply to a program that ended before this one began. See docs/decisions/0008.
 */
export interface RtuOptions {
  readonly baudRate: number;
  readonly timeoutMs: number;
  /** What errors call the line: its path, or host and port. */
  readonly name: string;
  /** What was learnt of the units before this connection: late replies outlive a connection. */
  readonly units?: UnitLedger;
}

/** Modbus over Serial Line 1.02, 2.5.1.1: 3.5 characters of 11 bits, and never less than 1.75 ms. */
const silenceOf = (baudRate: number): number => Math.max(1.75, (3.5 * 11 * 1000) / baudRate);
/** A line that never falls silent is broken: silence is waited for at most this many times its length. */
const MAX_SILENCE_WAITS = 40;

export function rtuLine(port: HeedfulPort, { baudRate, timeoutMs, name, ...rest }: RtuOptions): ModbusLine {
  const silenceMs = silenceOf(baudRate);
  const units = rest.units ?? unitLedger();
  const input = openRtuInput(port);
  /** The last exchange left nothing behind that may still be on its way. */
  let settled = true;
  const quiet = quietOf(input, name, (bytes) => {
    settled = false;
    units.heard(repliesIn(bytes));
  });
  const send = senderOf(port, input, { quiet, units });
  const fence = fenceOf(send, silenceMs, { quiet, units });
  const write = coilWriter(port, input, { quiet, units });
  return {
    usable: () => input.ended() === undefined,
    async exchange(request, { timeoutMs: own = timeoutMs, signal } = {}) {
      signal?.throwIfAborted();
      const options = { name, timeoutMs: own, ...(signal && { signal }) };
      await quiet.silence(settled ? silenceMs : END_OF_NOISE_MS, signal);
      if (units.mustFence(request)) await fence(request, options, Math.min(own, SETTLE_MS));
      settled = false;
      const said = await send(request, { ...options, expects: "reply" });
      units.answered(request, said);
      units.heard(repliesIn(said.before));
      if (units.canCheck(request)) {
        await fence(request, options, silenceMs);
        if (units.isContradicted(request.unit))
          throw new FieldwattError("DEVICE_GARBLED", `${name}: unit ${request.unit} gave two answers`);
      }
      settled = true;
      return said.answer;
    },
    async write(coil, { timeoutMs: own = timeoutMs, signal } = {}) {
      signal?.throwIfAborted();
      settled = false;
      const answer = await write(coil, { name, timeoutMs: own, ...(signal && { signal }) });
      settled = true;
      return answer;
    },
    [Symbol.asyncDispose]: () => port[Symbol.asyncDispose](),
  };
}

interface Wire {
  readonly quiet: Quiet;
  readonly units: UnitLedger;
}
type Send = (request: ReadRequest, options: ReplyOptions) => Promise<Said>;

/** Sends one request as soon as no copy of an earlier reply could pass for its own, and waits for that. */
function senderOf(port: HeedfulPort, input: RtuInput, { quiet, units }: Wire): Send {
  return async (request, options) => {
    const isFence = options.expects !== "reply";
    for (let ms = units.copiesMs(request, isFence); ms > 0; ms = units.copiesMs(request, isFence))
      await quiet.silence(ms, options.signal);
    units.sent(request, isFence);
    // Not awaited: a port that never finishes writing must not outlast the time-out.
    port.write(withCrc(requestBytes(request))).catch(input.fail);
    return reply(input, request, options);
  };
}

/** After a silence of `settleMs`, asks for what proves that nothing older than it can still come. */
function fenceOf(send: Send, silenceMs: number, { quiet, units }: Wire) {
  return async (request: ReadRequest, options: WaitOptions, settleMs: number): Promise<void> => {
    await quiet.silence(settleMs, options.signal);
    const wasInDebt = units.isInDebt(request.unit);
    const fence = units.fenceFor(request);
    const said = await send(fence.asked, { ...options, expects: fence.expects });
    const before = repliesIn(said.before);
    if (wasInDebt) units.heard(before);
    if (said.answer.kind === "exception" && !fence.exceptionProves)
      await quiet.silence(SETTLE_MS, options.signal);
    units.fenced(fence, said);
    // Where nothing was owed, nothing had to come before the fence's own reply.
    if (!wasInDebt) units.heard(before);
    await quiet.silence(silenceMs, options.signal);
  };
}

export interface Quiet {
  /** Resolves when nothing came for `ms`; what came is thrown away and told. Throws DEVICE_GARBLED where the line is never silent. */
  silence(ms: number, signal?: AbortSignal): Promise<void>;
}

function quietOf(input: RtuInput, name: string, onUnasked: (bytes: Uint8Array) => void): Quiet {
  const discard = (): void => {
    const bytes = input.bytes();
    if (bytes.length > 0) onUnasked(bytes);
    input.drop();
  };
  return {
    async silence(ms, signal) {
      for (let waits = 0; waits < MAX_SILENCE_WAITS; waits++) {
        discard();
        if ((await input.news(ms, signal)) === "silence") return;
      }
      const why = "the line never falls silent: a device babbles, or the baud rate is wrong";
      throw new FieldwattError("DEVICE_GARBLED", `${name}: ${why}`);
    },
  };
}

interface ReplyOptions extends WaitOptions {
  readonly expects: Expected;
}

const reply = (input: RtuInput, request: ReadRequest, options: ReplyOptions): Promise<Said> => {
  const enough = 5 + request.count * 2;
  const isBeside = isBesideRead(request);
  return waitFor(input, request.unit, {
    ...options,
    find: (bytes) => findReply(request, bytes, options.expects),
    isDamaged: (bytes) =>
      options.expects === "reply" && bytes.length - foreignBytes(bytes, isBeside) >= enough,
  });
};
