import type { KeyObject } from "node:crypto";
import { messageOf, type Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { answerHolds, type ErasureAnswer } from "../../protocol/erasure.ts";
import type { Body } from "../../protocol/messages.ts";
import { openRequest, requestWith } from "../erasure/asked.ts";
import type { RecordStore } from "../record/store.ts";

/** A request that has no answer is sent again after this long, ms of the world's time. */
const AGAIN_MS = 60_000;

/** Asks the hub to forget, one request at a time, in order, until it has answered; and keeps its answers. */
export interface Erasing {
  /** What is to be sent now, or undefined. */
  next(): Extract<Body, { kind: "erasure" }> | undefined;
  heard(answer: ErasureAnswer): void;
}

export function createErasing(
  options: {
    readonly store: RecordStore;
    readonly clock: Clock;
    readonly hubKey: KeyObject;
    readonly log: Logger;
  },
  onMore: () => void,
): Erasing {
  const { store, clock, hubKey, log } = options;
  let sent: { readonly id: number; readonly at: number } | undefined;
  return {
    next() {
      const open = openRequest(store.read);
      if (!open) return undefined;
      const now = performance.now();
      if (sent?.id === open.id && now - sent.at < AGAIN_MS) return undefined;
      sent = { id: open.id, at: now };
      return { kind: "erasure", request: open.request };
    },
    heard(answer) {
      const asked = requestWith(store.read, answer.request);
      if (!asked || !answerHolds(answer, asked.request, hubKey))
        return log.error("the hub's word on what it deleted does not verify; it is asked again");
      const kept = (): void => {
        log.info({ offer: asked.offer, at: answer.answered }, "the hub has said what it deleted");
        onMore();
      };
      store
        .run("keepErased", { answer, answered: clock.now() })
        .then(kept, (error: unknown) =>
          log.error({ because: messageOf(error) }, "the hub's word on what it deleted was not kept"),
        );
    },
  };
}
