import type { Reading } from "../../domain/model/index.ts";
import type { Feed } from "../../gateway/record/feed.ts";

/** A feed over an array, in frames as the record commits them: for tests of sinks, without a disk. */
export interface FakeFeed extends Feed {
  commit(readings: readonly Reading[]): void;
  committed(): number;
}

export function fakeFeed(): FakeFeed {
  const frames: (readonly Reading[])[] = [];
  const waiting = new Set<() => void>();
  return {
    commit(readings) {
      frames.push(readings);
      for (const wake of waiting) wake();
    },
    committed: () => frames.reduce((sum, { length }) => sum + length, 0),
    end: () => String(frames.length),
    after(cursor, max) {
      const readings: Reading[] = [];
      let at = Number(cursor);
      for (; at < frames.length; at++) {
        const frame = frames[at] ?? [];
        if (readings.length > 0 && readings.length + frame.length > max) break;
        readings.push(...frame);
      }
      return { readings, cursor: String(at) };
    },
    wait: (cursor, signal) =>
      new Promise((resolve) => {
        if (Number(cursor) < frames.length || signal.aborted) return resolve();
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      }),
  };
}
