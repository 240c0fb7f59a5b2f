import { messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { DROPPED_RANGES_MAX, type DroppedRanges } from "../../protocol/messages.ts";
import type { RecordStore } from "../record/store.ts";
import { untoldDropped } from "../release/dropped.ts";

/** Tells the hub which numbers will never come, so that it does not ask for them. */
export interface Told {
  /** What the next batch says, or undefined where there is nothing new. */
  next(): DroppedRanges | undefined;
  /** The hub's word that it knows. */
  heard(ranges: DroppedRanges): void;
}

export function createTold(
  { store, log }: { readonly store: RecordStore; readonly log: Logger },
  onMore: () => void,
): Told {
  /** A hub that does not answer to it is told once on one connection. */
  let said = "";
  return {
    next() {
      const ranges = untoldDropped(store.read, DROPPED_RANGES_MAX);
      const words = JSON.stringify(ranges);
      if (ranges.length === 0 || words === said) return undefined;
      said = words;
      return ranges;
    },
    heard(ranges) {
      store
        .run("toldDropped", ranges)
        .then(onMore, (error: unknown) =>
          log.error({ because: messageOf(error) }, "the hub is told of a gap again"),
        );
    },
  };
}
