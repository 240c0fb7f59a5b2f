import type { Reading } from "../../domain/model/index.ts";
import type { Feed } from "../../gateway/sinks/follow.ts";

/** A feed over an array, in frames as the record commits them: for tests of sinks, without a disk. */
export interface FakeFeed extends Feed {
  commit(readings: readonly Reading[]): void;
  committed(): number;
}

export function fakeFeed(): FakeFeed {
  const frames: (readonly Reading[])[] = [];
  let more = Promise.withResolvers<void>();
  return {
    commit(readings) {
      frames.push(readings);
      more.resolve();
      more = Promise.withResolvers<void>();
    },
    committed: () => frames.reduce((sum, { length }) => sum + length, 0),
    after(cursor, max) {
      const readings: Reading[] = [];
      let at = Number(cursor);
      for (; at < frames.length; at++) {
        const frame = frames[at] ?? [];
        if (readings.length > 0 && readings.length + frame.length > max) break;
        readings.push(...frame);
      }
      return { readings, cursor: at };
    },
    async wait(cursor, signal) {
      if (Number(cursor) < frames.length || signal.aborted) return;
      const aborted = new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      );
      await Promise.race([more.promise, aborted]);
    },
  };
}
