import type { FieldwattError } from "../../domain/model/index.ts";
import type { HeedfulPort } from "../serial/port.ts";

/** What came in from a serial line and was not used yet. Its methods throw what ended the line, once it has ended. */
export interface RtuInput {
  bytes(): Uint8Array;
  /** Takes the first `count` bytes away, all of them where absent. */
  drop(count?: number): void;
  /** Ends the line from this side: a write failed. */
  fail(error: FieldwattError): void;
  ended(): FieldwattError | undefined;
  /**
   * Resolves after `ms` of silence, or at once with new bytes. Silence means that no byte reached this machine, not that
   * the program had no time to look: a timer of a program that stood still fires before what came meanwhile is read.
   * Throws the end of the line, or the signal's reason.
   */
  news(ms: number, signal?: AbortSignal): Promise<"news" | "silence">;
}

/** The longest frame is 256 bytes; an echo and late replies may come before it. What is older is dropped. */
const MAX_BUFFER = 1024;

export function openRtuInput(port: HeedfulPort): RtuInput {
  let buffer: Uint8Array = new Uint8Array(0);
  let end: FieldwattError | undefined;
  let wake: () => void = () => undefined;
  let arrivals = 0;
  const fail = (error: FieldwattError): void => {
    end ??= error;
    wake();
  };
  port.onClose(fail);
  port.onData((bytes) => {
    arrivals += 1;
    buffer = Buffer.concat([buffer, bytes]).subarray(-MAX_BUFFER);
    wake();
  });
  const silenceSince = async (before: number): Promise<"news" | "silence"> => {
    const isSure = await port.caughtUp();
    return isSure && arrivals === before ? "silence" : "news";
  };
  return {
    bytes: () => buffer,
    drop: (count) => void (buffer = count === undefined ? new Uint8Array(0) : buffer.subarray(count)),
    fail,
    ended: () => end,
    async news(ms, signal) {
      const before = arrivals;
      const first = end || signal?.aborted ? "news" : await firstOf(ms, (ring) => (wake = ring), signal);
      const what = first === "news" ? first : await silenceSince(before);
      if (end) throw end;
      signal?.throwIfAborted();
      return what;
    },
  };
}

/** Waits for the time to pass, or for the bell that `hang` is given, or for the signal. */
function firstOf(
  ms: number,
  hang: (ring: () => void) => void,
  signal?: AbortSignal,
): Promise<"news" | "silence"> {
  return new Promise((resolve) => {
    const finish = (what: "news" | "silence"): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", ring);
      hang(() => undefined);
      resolve(what);
    };
    const ring = (): void => finish("news");
    const timer = setTimeout(() => finish("silence"), ms);
    hang(ring);
    signal?.addEventListener("abort", ring);
  });
}
