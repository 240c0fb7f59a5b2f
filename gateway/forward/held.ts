import { messageOf, type Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { ReceivedBody } from "../../protocol/messages.ts";
import { progressOf } from "../record/progress.ts";
import type { RecordStore } from "../record/store.ts";

/** How old the hub's list of what it holds may become, ms. */
const LIST_EVERY_MS = 24 * 3_600_000;

/**
 * Once a day the hub is asked for the list of all that it holds of this gateway: the audit finds there what was sent
 * and is not in the log. The list comes in parts, each asked for with the next batch.
 */
export interface Held {
  /** The sequence from which the next part is wanted, or undefined. */
  wanted(): number | undefined;
  heard(list: ReceivedBody): void;
}

export function createHeld(
  { store, clock, log }: { readonly store: RecordStore; readonly clock: Clock; readonly log: Logger },
  onMore: () => void,
): Held {
  let next: number | undefined;
  /** A part is asked for once on one connection: a hub that gives none is not asked in a circle. */
  let asked = 0;
  return {
    wanted() {
      const listed = progressOf(store.read, "held listed") ?? 0;
      const from = next ?? (clock.now() - listed > LIST_EVERY_MS ? 1 : undefined);
      if (from === undefined || from <= asked) return undefined;
      return (asked = from);
    },
    heard(list) {
      if (list.from !== asked) return;
      next = list.through === null ? undefined : list.through + 1;
      const kept = (): void => {
        // The list is whole, and may be asked for again when it is old.
        if (list.through === null) asked = 0;
        onMore();
      };
      store
        .run("saveHeld", { ...list, heard: clock.now() })
        .then(kept, (error: unknown) =>
          log.error({ because: messageOf(error) }, "the hub's list was not kept"),
        );
    },
  };
}
