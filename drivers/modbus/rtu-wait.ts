import { FieldwattError } from "../../domain/model/index.ts";
import type { RtuInput } from "./rtu-input.ts";

/** After this silence no more bytes of a damaged reply come: twice the 16 ms latency of common USB adapters, and some. */
export const END_OF_NOISE_MS = 50;
/** A unit that owes a reply gets this much silence for it before it is asked again. */
export const SETTLE_MS = 250;

export interface WaitOptions {
  /** Of the line. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

interface Wanted<Answer> extends WaitOptions {
  /** What is waited for, in these bytes. */
  find(
    bytes: Uint8Array,
  ): { readonly answer: Answer; readonly start: number; readonly end: number } | undefined;
  /** Whether so much has come that the answer was in it, damaged. */
  isDamaged(bytes: Uint8Array): boolean;
}

/** What came for a request: its answer, the whole frame, and the bytes that came before. */
export interface Found<Answer> {
  readonly answer: Answer;
  readonly frame: Uint8Array;
  readonly before: Uint8Array;
}

/** Waits for one unit's answer. Throws DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED, or the signal's reason. */
export async function waitFor<Answer>(
  input: RtuInput,
  unit: number,
  { name, timeoutMs, signal, find, isDamaged }: Wanted<Answer>,
): Promise<Found<Answer>> {
  const deadline = performance.now() + timeoutMs;
  for (let over = false; ;) {
    const bytes = input.bytes();
    const found = find(bytes);
    if (found) {
      input.drop(found.end);
      const { answer, start, end } = found;
      return { answer, frame: bytes.subarray(start, end), before: bytes.subarray(0, start) };
    }
    if (over) throw unanswered({ name, timeoutMs, received: bytes.length }, unit);
    const left = deadline - performance.now();
    const patience = isDamaged(bytes) ? Math.min(END_OF_NOISE_MS, left) : left;
    const what = await input.news(Math.max(0, patience), signal);
    // What came while this program stood still came in time: after the deadline there is one more look.
    over = what === "silence" || left <= 0;
  }
}

function unanswered(
  { name, timeoutMs, received }: { name: string; timeoutMs: number; received: number },
  unit: number,
): FieldwattError {
  if (received === 0)
    return new FieldwattError("DEVICE_TIMEOUT", `${name}: unit ${unit} gave no answer in ${timeoutMs} ms`);
  const what = `${received} bytes came that are not the reply of unit ${unit}`;
  return new FieldwattError("DEVICE_GARBLED", `${name}: ${what}`);
}
