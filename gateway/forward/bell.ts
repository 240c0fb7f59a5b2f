import { setTimeout as wait } from "node:timers/promises";

/** Wakes the one who delivers. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `ms`, or when the signal aborts, whichever is first. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let waiting: AbortController | undefined;
  return {
    ring() {
      rung = true;
      waiting?.abort();
    },
    async wait(ms, signal) {
      if (!rung) {
        waiting = new AbortController();
        await wait(ms, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(
          () => undefined,
        );
      }
      rung = false;
    },
  };
}
