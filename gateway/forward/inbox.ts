import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { PolicyKeptBody } from "../../protocol/decided.ts";
import { open } from "../../protocol/envelope.ts";
import type { ErasureAnswer } from "../../protocol/erasure.ts";
import type {
  AnswersBody,
  DroppedRanges,
  Envelope,
  ReceiptBody,
  ReceivedBody,
} from "../../protocol/messages.ts";
import type { LinkOptions } from "./options.ts";

/**
 * What the hub says. Only what verifies with the pinned key is looked at: receipts wake the one who waits for them,
 * answers are kept, gaps are sent again.
 */
export interface Inbox {
  take(payload: Uint8Array): void;
  /** The next valid receipt, or undefined when none came in time or the connection went. */
  receipt(timeoutMs: number, signal: AbortSignal): Promise<Receipt | undefined>;
}

export type Receipt = ReceiptBody["received"];

export interface InboxEvents {
  /** What the hub says as a witness of the egress log. */
  onReceipt(witness: ReceiptBody["witness"]): void;
  /** How far the hub is, in receipts that say so. */
  onHighest(highest: number | undefined): void;
  /** Gaps that the hub now knows to be none. */
  onDropped(ranges: DroppedRanges): void;
  /** What the hub holds, as it was asked. */
  onList(list: ReceivedBody): void;
  /** What it deleted, as it was asked. */
  onErased(answer: ErasureAnswer): void;
  /** A policy that it now has. */
  onPolicyKept(kept: PolicyKeptBody): void;
  /** Something new may be sent: an acknowledgement of answers, or items that the hub lost. */
  onWork(): void;
}

export function createInbox(options: LinkOptions, events: InboxEvents): Inbox {
  const { gateway, hub, hubKey, log } = options;
  let awaiting: ((receipt: Receipt) => void) | undefined;

  const act = ({ body, sent }: Envelope): void => {
    if (body.kind === "batch" || body.kind === "erasure" || body.kind === "policy")
      throw new FieldwattError("MESSAGE_INVALID", `A hub sends no ${body.kind}`);
    if (body.kind === "received") return events.onList(body);
    if (body.kind === "erased") return events.onErased(body.answer);
    if (body.kind === "policyKept") return events.onPolicyKept(body);
    if (body.kind === "answers") return keepAnswers(body.answers, options, events);
    events.onReceipt(body.witness);
    // As below: an old one would tell too little.
    if (awaiting) events.onHighest(body.highest);
    if (body.dropped) events.onDropped(body.dropped);
    if (body.gaps.length > 0) sendAgain(body.gaps, options, events);
    // Only where an answer is expected: an old one that somebody plays again would tell an old time.
    if (awaiting) options.onSigned?.(sent);
    awaiting?.(body.received);
  };

  return {
    take(payload) {
      try {
        act(open(payload, { from: hub, to: gateway, key: hubKey }));
      } catch (error) {
        log.warn({ because: messageOf(error) }, "a message from the hub was refused");
      }
    },
    async receipt(timeoutMs, signal) {
      const { promise, resolve } = Promise.withResolvers<Receipt>();
      awaiting = resolve;
      const done = new AbortController();
      const late = wait(timeoutMs, undefined, { signal: AbortSignal.any([signal, done.signal]) }).catch(
        () => undefined,
      );
      const receipt = await Promise.race([promise, late]);
      done.abort();
      awaiting = undefined;
      return receipt ?? undefined;
    },
  };
}

function keepAnswers(
  answers: AnswersBody["answers"],
  { store, clock, log }: LinkOptions,
  { onWork }: InboxEvents,
): void {
  const received = clock.now();
  store
    .run(
      "saveAnswers",
      answers.map((answer) => ({ ...answer, received })),
    )
    .then(onWork, (error: unknown) =>
      log.error({ because: messageOf(error) }, "answers not kept; the hub will repeat them"),
    );
}

function sendAgain(gaps: ReceiptBody["gaps"], { store, log }: LinkOptions, { onWork }: InboxEvents): void {
  const waiting = (count: number): void => {
    if (count > 0) log.warn({ gaps, count }, "the hub has lost what it signed for; it is sent again");
    onWork();
  };
  store
    .run("requeue", gaps)
    .then(waiting, (error: unknown) =>
      log.error({ because: messageOf(error) }, "what the hub misses waits for a better moment"),
    );
}
