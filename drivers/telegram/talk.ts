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

export function openTalk(port: SerialBytePort, { name, dataBits, signal }: TalkOptions): Talk {
  let waiting: Waiting | undefined;
  // What comes between a question and the hearing of its answer.
  let early: Uint8Array[] = [];
  port.onData((raw) => {
    const bytes = dataBits === 7 ? fromSevenBits(raw) : raw;
    if (waiting) waiting.take(bytes);
    else if (early.length < MAX_EARLY) early.push(bytes);
  });
  port.onClose((error) => waiting?.fail(error));
  return {
    write: (bytes) => {
      early = [];
      const raw = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
      return port.write(dataBits === 7 ? toSevenBits(raw) : raw);
    },
    hear: (take, limits) =>
      new Promise((resolve, reject) => {
        let count = 0;
        const timeout = (): void =>
          fail(new FieldwattError("DEVICE_TIMEOUT", `${name}: ${limits.what} did not come in time`));
        const fail = (error: unknown): void => end(() => reject(error));
        const aborted = (): void => fail(signal.reason);
        const end = (settle: () => void): void => {
          waiting = undefined;
          clearTimeout(limit);
          clearTimeout(silence);
          signal.removeEventListener("abort", aborted);
          settle();
        };
        const limit = setTimeout(timeout, limits.limitMs);
        const silence = setTimeout(timeout, limits.silenceMs);
        waiting = {
          fail,
          take(bytes) {
            silence.refresh();
            count += bytes.length;
            const answer = take(bytes);
            if (answer !== undefined) end(() => resolve(answer));
            else if (count > MAX_BYTES)
              fail(new FieldwattError("DEVICE_GARBLED", `${name}: the line does not become still`));
          },
        };
        signal.addEventListener("abort", aborted);
        if (signal.aborted) aborted();
        for (const bytes of early.splice(0)) waiting?.take(bytes);
      }),
    setBaudRate: port.setBaudRate,
    sendBreak: port.sendBreak,
    quieten: (ms) =>
      new Promise((resolve) => {
        early = [];
        const done = (): void => {
          waiting = undefined;
          clearTimeout(still);
          clearTimeout(limit);
          resolve();
        };
        const still = setTimeout(done, ms);
        const limit = setTimeout(done, LONGEST_QUIETENING_MS);
        waiting = { take: () => void still.refresh(), fail: done };
      }),
  };
}
