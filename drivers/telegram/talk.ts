import { FieldwattError } from "../../domain/model/index.ts";
import type { SerialBytePort } from "../serial/port.ts";
import { fromSevenBits, toSevenBits } from "./line-bits.ts";

/** A conversation on one serial line: one side speaks at a time, and bytes that come before a question are dropped. */
export interface Talk {
  write(bytes: Uint8Array | string): Promise<void>;
  /**
   * Hands every byte that comes to `take` until it gives an answer. Throws DEVICE_TIMEOUT after `limitMs` in all or
   * `silenceMs` without a byte, DEVICE_GARBLED after too many bytes, BUS_CLOSED, or the reason of the signal.
   */
  hear<Answer>(take: (bytes: Uint8Array) => Answer | undefined, limits: Limits): Promise<Answer>;
  setBaudRate(baudRate: number): Promise<void>;
  sendBreak(ms: number): Promise<void>;
  /** Drops what still comes until the line has been still for so long, one second at most. */
  quieten(ms: number): Promise<void>;
}

export interface Limits {
  /** For the message of a time-out. */
  readonly what: string;
  readonly limitMs: number;
  readonly silenceMs: number;
}

const MAX_BYTES = 32_768;
/** Pieces that a port hands over, each of at most 64 KiB. */
const MAX_EARLY = 16;
const LONGEST_QUIETENING_MS = 1_000;

interface Waiting {
  take(bytes: Uint8Array): void;
  fail(error: unknown): void;
}

export interface TalkOptions {
  readonly name: string;
  readonly dataBits: 7 | 8;
  readonly signal: AbortSignal;
}

/** Who hears what comes in. */
interface Ear {
  waiting: Waiting | undefined;
  /** What comes between a question and the hearing of its answer. */
  early: Uint8Array[];
}

export function openTalk(port: SerialBytePort, options: TalkOptions): Talk {
  const { dataBits } = options;
  const ear: Ear = { waiting: undefined, early: [] };
  port.onData((raw) => {
    const bytes = dataBits === 7 ? fromSevenBits(raw) : raw;
    if (ear.waiting) ear.waiting.take(bytes);
    else if (ear.early.length < MAX_EARLY) ear.early.push(bytes);
  });
  port.onClose((error) => ear.waiting?.fail(error));
  return {
    write: (bytes) => {
      ear.early = [];
      const raw = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
      return port.write(dataBits === 7 ? toSevenBits(raw) : raw);
    },
    hear: (take, limits) => hear(ear, take, { ...limits, ...options }),
    setBaudRate: port.setBaudRate,
    sendBreak: port.sendBreak,
    quieten: (ms) => quieten(ear, ms),
  };
}

function hear<Answer>(
  ear: Ear,
  takeFrom: (bytes: Uint8Array) => Answer | undefined,
  { name, what, limitMs, silenceMs, signal }: Limits & TalkOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let count = 0;
    const timeout = (): void =>
      fail(new FieldwattError("DEVICE_TIMEOUT", `${name}: ${what} did not come in time`));
    const fail = (error: unknown): void => end(() => reject(error));
    const aborted = (): void => fail(signal.reason);
    const end = (settle: () => void): void => {
      ear.waiting = undefined;
      clearTimeout(limit);
      clearTimeout(silence);
      signal.removeEventListener("abort", aborted);
      settle();
    };
    const limit = setTimeout(timeout, limitMs);
    const silence = setTimeout(timeout, silenceMs);
    const take = (bytes: Uint8Array): void => {
      silence.refresh();
      count += bytes.length;
      const answer = takeFrom(bytes);
      if (answer !== undefined) end(() => resolve(answer));
      else if (count > MAX_BYTES)
        fail(new FieldwattError("DEVICE_GARBLED", `${name}: the line does not become still`));
    };
    ear.waiting = { take, fail };
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
    for (const bytes of ear.early.splice(0)) ear.waiting?.take(bytes);
  });
}

function quieten(ear: Ear, ms: number): Promise<void> {
  ear.early = [];
  return new Promise((resolve) => {
    const done = (): void => {
      ear.waiting = undefined;
      clearTimeout(still);
      clearTimeout(limit);
      resolve();
    };
    const still = setTimeout(done, ms);
    const limit = setTimeout(done, LONGEST_QUIETENING_MS);
    ear.waiting = { take: () => void still.refresh(), fail: done };
  });
}
