import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import type { Reading } from "../../domain/model/index.ts";

/** Who waits for the first reading of this start, and hands each on. */
export interface FirstReading {
  onKept(readings: readonly Reading[]): void;
  /** Resolves when the first durable reading is acknowledged, after `ms` without one, or when the signal aborts. */
  orAfter(ms: number, signal: AbortSignal): Promise<void>;
}

export function firstReading(onKept: (readings: readonly Reading[]) => void): FirstReading {
  const first = Promise.withResolvers<undefined>();
  return {
    onKept(readings) {
      first.resolve(undefined);
      onKept(readings);
    },
    async orAfter(ms, signal) {
      const given = new AbortController();
      const late = wait(ms, undefined, { signal: AbortSignal.any([signal, given.signal]) });
      await Promise.race([first.promise, late.catch(() => undefined)]);
      given.abort();
      // Acknowledgements of one turn leave together, in the next.
      await nextTurn();
      await nextTurn();
    },
  };
}
