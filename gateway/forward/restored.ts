import { messageOf, type Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import { awaitsHub } from "../release/restored.ts";

/** Asks the hub how far it is, after the record came out of a backup. */
export interface Restored {
  /** True once on one connection: a hub that does not answer to it is not asked in a circle. */
  next(): true | undefined;
  /** The highest sequence that the hub knows; undefined in receipts that say nothing of it. */
  heard(highest: number | undefined): void;
}

export function createRestored(
  { store, clock, log }: { readonly store: RecordStore; readonly clock: Clock; readonly log: Logger },
  onMore: () => void,
): Restored {
  let asked = false;
  return {
    next() {
      if (asked || !awaitsHub(store.read)) return undefined;
      return (asked = true);
    },
    heard(highest) {
      if (!asked || !awaitsHub(store.read)) return;
      if (highest === undefined)
        return log.error(
          "nothing is released: the record was restored, and the hub does not say what it holds",
        );
      const settled = (): void => {
        log.warn({ highest }, "the record was restored: releases go on behind what the hub holds");
        onMore();
      };
      store
        .run("settleRestored", { highest, time: clock.now() })
        .then(settled, (error: unknown) =>
          log.error({ because: messageOf(error) }, "what the hub holds was not kept"),
        );
    },
  };
}
