import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf, type Clock } from "../domain/model/index.ts";
import type { Logger } from "../platform/log.ts";
import { seal } from "../protocol/envelope.ts";
import type { KeyPair } from "../protocol/keys.ts";
import { topics, type Body } from "../protocol/messages.ts";
import { adviseOnFarmDays, DAYS_MAX } from "./advisory/advisory.ts";
import { openAnswerSender, type AnswerSender } from "./answers/index.ts";
import type { Erased, Intake, PolicyKept, Received } from "./intake/intake.ts";
import type { Horizons } from "./stewardship/erasure.ts";
import { endHolds, purgeWhenDue } from "./stewardship/purge.ts";
import { endRetention } from "./stewardship/retention.ts";
import type { Storage } from "./storage/index.ts";
import { clearDueSlots, SLOTS_MAX, type Tariff } from "./trading/trading.ts";

/**
 * What follows when a gateway speaks: its batch is kept, it may be acknowledged; then the receipt leaves, farm days and
 * slots that became ready are worked on, and answers leave. One gateway's messages are taken in order, and what follows
 * them runs one at a time for the whole hub. Whatever is cut off in between is found again in the storage.
 */
export interface ExchangeOptions {
  readonly hub: string;
  readonly keys: KeyPair;
  readonly storage: Storage;
  readonly intake: Intake;
  readonly tariff: Tariff;
  readonly stewardship: Horizons;
  readonly clock: Clock;
  readonly log: Logger;
  readonly publish: (topic: string, bytes: Uint8Array) => Promise<void>;
  readonly connected: () => readonly string[];
}

export interface Exchange extends AsyncDisposable {
  /**
   * Takes one message of a gateway; resolves when it may be acknowledged: it is kept, or it never can be (then the
   * reason is in the log, and no receipt names its items).
   * @throws FieldwattError STORAGE_FAILED or HUB_BUSY: the gateway must send it again
   */
  take(gateway: string, bytes: Uint8Array): Promise<void>;
  /** Does what was ready when the hub last ended. */
  catchUp(): Promise<void>;
}

/** Messages of one gateway that may wait. A gateway sends its next batch after a receipt, so that few ever do. */
export const WAITING_MAX = 8;
/** What was taken is answered before the end, unless a connection that does not read holds it up for so long, ms. */
const CLOSE_MS = 2_000;
/** Between two looks at what was to be kept until a time, ms. */
const TIDY_MS = 3_600_000;

export function openExchange(options: ExchangeOptions): Exchange {
  const { intake, log } = options;
  const waiting = new Map<string, number>();
  const tails = new Map<string, Promise<void>>();
  let afterwards = Promise.resolve();
  const ending = new AbortController();
  const work: Work = {
    ...options,
    sender: openAnswerSender(options.storage, options.clock),
    ending: ending.signal,
    tidied: { at: -Infinity },
  };
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    afterwards = afterwards.then(step).catch((error: unknown) => logFault(log, error));
    return afterwards;
  };

  return {
    async take(gateway, bytes) {
      if (ending.signal.aborted) throw new FieldwattError("HUB_BUSY", "The hub is ending");
      const before = waiting.get(gateway) ?? 0;
      if (before >= WAITING_MAX)
        throw new FieldwattError("HUB_BUSY", `${before} messages of ${gateway} wait`);
      waiting.set(gateway, before + 1);
      const kept = (tails.get(gateway) ?? Promise.resolve()).then(() => intake.receive(gateway, bytes));
      const tail = kept
        .then((received) => inTurn(() => follow(work, { gateway, received })))
        .catch(() => undefined)
        .finally(() => waiting.set(gateway, (waiting.get(gateway) ?? 1) - 1));
      tails.set(gateway, tail);
      await kept.catch((error: unknown) => refuse(log, gateway, error));
    },
    catchUp: () =>
      inTurn(async () => {
        await settle(work);
        await tidy(work);
      }),
    async [Symbol.asyncDispose]() {
      ending.abort();
      const done = Promise.all(tails.values()).then(() => afterwards);
      const late = new AbortController();
      await Promise.race([done, wait(CLOSE_MS, undefined, { signal: late.signal })]).catch(() => undefined);
      late.abort();
    },
  };
}

const logFault = (log: Logger, error: unknown): void =>
  log.error(
    { fault: error instanceof FieldwattError ? error.code : "UNEXPECTED", because: messageOf(error) },
    "not done",
  );

/** What can never be kept is named in the log and swallowed; everything else the gateway has to send again. */
function refuse(log: Logger, gateway: string, error: unknown): void {
  const fault = error instanceof FieldwattError ? error.code : "UNEXPECTED";
  log.warn({ gateway, fault, because: messageOf(error) }, "a message was not kept");
  if (fault === "STORAGE_FAILED" || fault === "UNEXPECTED") throw error;
}

interface Work extends ExchangeOptions {
  readonly sender: AnswerSender;
  readonly ending: AbortSignal;
  readonly tidied: { at: number };
}

async function follow(
  work: Work,
  { gateway, received }: { readonly gateway: string; readonly received: Received | Erased | PolicyKept },
): Promise<void> {
  if ("erased" in received) {
    await send(work, gateway, { kind: "erased", answer: received.erased });
    await purgeWhenDue(work.storage, work.clock.now());
    return;
  }
  if ("policyKept" in received) return send(work, gateway, received.policyKept);
  await send(work, gateway, received.receipt);
  if (received.list) await send(work, gateway, received.list);
  const news = await settle(work);
  await sendAnswers(work, { gateway, because: "batch" });
  const others = news ? work.connected().filter((other) => other !== gateway) : [];
  for (const other of others) await sendAnswers(work, { gateway: other, because: "news" });
  await tidy(work);
}

/** Ends what was held for the accounts, and cleans the files, where it is time; looked at once in a while. */
async function tidy({ storage, clock, tidied, stewardship }: Work): Promise<void> {
  const now = clock.now();
  if (now - tidied.at < TIDY_MS) return;
  tidied.at = now;
  await endRetention(storage, now, stewardship);
  await endHolds(storage, now);
  await purgeWhenDue(storage, now);
}

async function sendAnswers(
  work: Work,
  { gateway, because }: { readonly gateway: string; readonly because: "batch" | "news" },
): Promise<void> {
  for (const message of await work.sender.due(gateway, because)) await send(work, gateway, message);
}

/** Advises and clears until nothing is due, or the hub ends; true when there are new answers. */
async function settle({ storage, clock, tariff, ending }: Work): Promise<boolean> {
  let done = 0;
  for (let more = true; more && !ending.aborted;) {
    const days = await adviseOnFarmDays(storage, clock.now());
    const slots = await clearDueSlots(storage, { tariff, now: clock.now() });
    done += days + slots;
    more = days === DAYS_MAX || slots === SLOTS_MAX;
  }
  return done > 0;
}

async function send(
  { hub, keys, clock, publish }: ExchangeOptions,
  gateway: string,
  body: Body,
): Promise<void> {
  const bytes = seal(body, { from: hub, to: gateway, sent: clock.now(), key: keys.privateKey });
  await publish(topics.down(gateway), bytes);
}
