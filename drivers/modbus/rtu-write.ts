import type { HeedfulPort } from "../serial/port.ts";
import { withCrc } from "./crc.ts";
import { coilQuestion, type CoilWrite, type Written } from "./pdu.ts";
import { ECHO_BYTES, findEcho, foreignBytes, repliesIn } from "./rtu-frames.ts";
import type { RtuInput } from "./rtu-input.ts";
import type { UnitLedger } from "./rtu-units.ts";
import { END_OF_NOISE_MS, SETTLE_MS, waitFor, type WaitOptions } from "./rtu-wait.ts";

/**
 * Switching a coil on a serial line. The answer repeats unit, coil and state, so it can be taken for another's in one
 * way only: it answers an earlier write of the same coil to the same state, which nobody waited for any more ("on",
 * "off", "on", and the first answer comes last). So as many answers are wanted as writes of that kind are owed, and one:
 * one of them is then this write's, or the answer to one behind the last other. A read that the unit answered settles
 * all, because a unit answers in order. Nothing is asked of a relay but to be written to: many know nothing else.
 *
 * What is bounded by time alone: more than two owed (a third comes within 250 ms, or not at all).
 */
const OWED_COUNTED_MAX = 2;

interface Wire {
  readonly quiet: { silence(ms: number, signal?: AbortSignal): Promise<void> };
  readonly units: UnitLedger;
}

/** Throws DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED, or the reason of the signal. */
export function coilWriter(port: HeedfulPort, input: RtuInput, { quiet, units }: Wire) {
  return async (coil: CoilWrite, options: WaitOptions): Promise<Written> => {
    const owed = units.owedWrites(coil);
    await quiet.silence(owed > 0 ? SETTLE_MS : END_OF_NOISE_MS, options.signal);
    let answer: Written = { kind: "done" };
    for (let left = Math.min(owed, OWED_COUNTED_MAX); left >= 0 && answer.kind === "done"; left--)
      answer = await writeOnce(coil, options);
    units.wrote(coil);
    return answer;
  };

  async function writeOnce(coil: CoilWrite, options: WaitOptions): Promise<Written> {
    const question = coilQuestion(coil);
    units.writes(coil);
    // Not awaited: a port that never finishes writing must not outlast the time-out.
    port.write(withCrc(question.bytes)).catch(input.fail);
    const { answer, before } = await waitFor(input, coil.unit, {
      ...options,
      find: (bytes) => findEcho(question, bytes),
      isDamaged: (bytes) => bytes.length - foreignBytes(bytes, () => true) >= ECHO_BYTES,
    });
    units.heard(repliesIn(before));
    return answer;
  }
}
