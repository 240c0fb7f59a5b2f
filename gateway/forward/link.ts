import { connect, type MqttClient } from "mqtt";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { seal } from "../../protocol/envelope.ts";
import { publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import {
  BATCH_ITEMS_MAX,
  topics,
  type BatchBody,
  type Body,
  type OutboxItem,
} from "../../protocol/messages.ts";
import { answersThrough } from "../answers/commands.ts";
import { completeThrough, type Released } from "../release/released.ts";
import { dueNow, type Due } from "../release/sending.ts";
import { createBell, type Bell } from "./bell.ts";
import { createErasing, type Erasing } from "./erasing.ts";
import { createHeld, type Held } from "./held.ts";
import { createInbox, type Inbox, type Receipt } from "./inbox.ts";
import type { LinkOptions } from "./options.ts";
import { createPolicies, type Policies } from "./policies.ts";
import { createRestored, type Restored } from "./restored.ts";
import { createTold, type Told } from "./told.ts";
import { createWitnessed, type Witnessed } from "./witnessed.ts";

/**
 * The one connection to the outside. It takes what has been released, oldest first, one batch at a time; a batch is
 * done when the hub's signed receipt names its items with the digests of the bytes that were sent, and only then does
 * it leave the outbox. No receipt in time, a lost connection, a hub that forgot: the same items are sent again, and
 * the hub ignores what it has. Each time consent is decided anew, in the very turn of the event loop in which the batch
 * is handed to the socket: a withdrawal that the member was told of has nothing behind it.
 */
const RECEIPT_TIMEOUT_MS = 15_000;
/** An idle link says how far it has come this often, so that the hub may clear a quarter hour without trade. */
const IDLE_MS = 2_000;
const RECONNECT_FIRST_MS = 1_000;
const RECONNECT_MAX_MS = 60_000;

export interface Link extends AsyncDisposable {
  /** Says that something may wait in the outbox. */
  nudge(): void;
  state(): LinkState;
}

export interface LinkState {
  readonly connected: boolean;
  /** The hub's last word, in this gateway's time. */
  readonly lastReceipt?: number;
  readonly lastError?: string;
}

export function openLink(options: LinkOptions): Link {
  const stop = new AbortController();
  const bell = createBell();
  const state: { connected: boolean; lastReceipt?: number; lastError?: string } = { connected: false };
  const running = keepConnected(options, { stop: stop.signal, bell, state });
  return {
    nudge: () => bell.ring(),
    state: () => ({ ...state }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

interface Running {
  readonly stop: AbortSignal;
  readonly bell: Bell;
  readonly state: { connected: boolean; lastReceipt?: number; lastError?: string };
}

type Connected = Running & { onReceipt(): void };

async function keepConnected(options: LinkOptions, running: Running): Promise<void> {
  const { stop, state } = running;
  let pause = RECONNECT_FIRST_MS;
  while (!stop.aborted) {
    try {
      await serveConnection(options, { ...running, onReceipt: () => (pause = RECONNECT_FIRST_MS) });
    } catch (error) {
      state.lastError = messageOf(error);
      options.log.warn(
        { hub: options.hub, because: state.lastError },
        "no link to the hub; readings wait at home",
      );
    }
    state.connected = false;
    await wait(pause, undefined, { signal: stop }).catch(() => undefined);
    pause = Math.min(pause * 2, RECONNECT_MAX_MS);
  }
}

/** Lives as long as one connection: rejects when it is lost or never comes, returns when asked to stop. */
async function serveConnection(options: LinkOptions, running: Connected): Promise<void> {
  const { url, gateway, hub, password } = options;
  const client = connect(url, {
    clientId: gateway,
    username: gateway,
    password,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    // The outbox is the queue: the client's own, in memory, stays empty.
    queueQoSZero: false,
  });
  const gone = new AbortController();
  const ended = new Promise<void>((resolve, reject) => {
    const lose = (cause?: Error): void =>
      reject(
        new FieldwattError(
          "HUB_UNREACHABLE",
          `${hub} at ${url}: ${cause?.message ?? "the connection closed"}`,
          { cause },
        ),
      );
    client.on("error", lose);
    client.once("close", lose);
    running.stop.addEventListener("abort", () => resolve(), { once: true, signal: gone.signal });
  });
  const stop = AbortSignal.any([running.stop, gone.signal]);
  try {
    // Whatever waits for an answer of a lost connection would wait for ever: the loss itself ends it.
    await Promise.race([ended, work(client, options, { ...running, stop })]);
  } finally {
    gone.abort();
    client.end(true);
  }
}

async function work(client: MqttClient, options: LinkOptions, running: Connected): Promise<void> {
  const { clock, gateway, hub, log } = options;
  const witnessed = createWitnessed(options);
  const held = createHeld(options, () => running.bell.ring());
  const erasing = createErasing(options, () => running.bell.ring());
  const policies = createPolicies(options, () => running.bell.ring());
  const told = createTold(options, () => running.bell.ring());
  const restored = createRestored(options, () => running.bell.ring());
  const inbox = createInbox(options, {
    onReceipt(reply) {
      running.state.lastReceipt = clock.now();
      running.onReceipt();
      witnessed
        .heard(reply)
        .catch((error: unknown) => log.error({ because: messageOf(error) }, "a cosignature was not kept"));
    },
    onHighest: (highest) => restored.heard(highest),
    onDropped: (ranges) => told.heard(ranges),
    onList: (list) => held.heard(list),
    onErased: (answer) => erasing.heard(answer),
    onPolicyKept: (kept) => policies.heard(kept),
    onWork: () => running.bell.ring(),
  });
  client.on("message", (_topic, payload) => inbox.take(payload));
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  await client.subscribeAsync(topics.down(gateway), { qos: 1 });
  running.state.connected = true;
  delete running.state.lastError;
  log.info({ hub }, "linked to the hub");
  await deliver(client, options, { ...running, inbox, witnessed, held, erasing, policies, told, restored });
}

interface Serving extends Running {
  readonly inbox: Inbox;
  readonly witnessed: Witnessed;
  readonly held: Held;
  readonly erasing: Erasing;
  readonly policies: Policies;
  readonly told: Told;
  readonly restored: Restored;
}

async function deliver(client: MqttClient, options: LinkOptions, serving: Serving): Promise<void> {
  const { store, clock, policy } = options;
  const hub = {
    ...{ id: options.hub, publicKey: publicKeyToText(options.hubKey) },
    ...(options.erasureDays !== undefined && { erasureDays: options.erasureDays }),
  };
  const { stop, bell, inbox } = serving;
  let reported = "";
  while (!stop.aborted) {
    const due = dueNow(store.read, { policy, clock, hub, limit: BATCH_ITEMS_MAX });
    // What was decided is kept first, and then decided again: between here and the socket nothing is waited for.
    if (due.dropped.length + due.untried.length > 0) {
      await settle(due, options);
      continue;
    }
    const first = serving.erasing.next() ?? serving.policies.next();
    if (first) {
      await sendOne(client, options, first);
      continue;
    }
    const { items } = due;
    const body = batchOf(store.read, items);
    const progress = `${body.completeThrough}/${body.answersThrough}`;
    const asides = asidesOf(serving);
    if (items.length === 0 && progress === reported && Object.keys(asides).length === 0) {
      await bell.wait(IDLE_MS, stop);
      continue;
    }
    const receipt = inbox.receipt(RECEIPT_TIMEOUT_MS, stop);
    await sendOne(client, options, { ...body, ...asides });
    const received = await receipt;
    if (!received) {
      if (!stop.aborted)
        throw new FieldwattError(
          "HUB_UNREACHABLE",
          `The hub gave no receipt in ${RECEIPT_TIMEOUT_MS / 1000} s`,
        );
      return;
    }
    reported = progress;
    await store.run(
      "trimOutbox",
      confirmed(items, received).map((r) => ({ ...r, received: clock.now() })),
    );
  }
}

/** Keeps what a look at the outbox found: what no longer may leave, and what leaves for the first time. */
async function settle({ dropped, untried }: Due, { store, clock, log }: LinkOptions): Promise<void> {
  if (dropped.length > 0)
    log.info({ dropped: dropped.length }, "taken out of the outbox: the yes no longer stands");
  await store.run("settleSending", { time: clock.now(), dropped, tried: untried });
}

/** What goes along with the items: the log's head, a wish for a list, what was dropped, that the record was restored. */
function asidesOf(serving: Serving): Pick<BatchBody, "log" | "list" | "dropped" | "restored"> {
  const [log, list, dropped] = [serving.witnessed.next(), serving.held.wanted(), serving.told.next()];
  const restored = serving.restored.next();
  return {
    ...(log && { log }),
    ...(list !== undefined && { list }),
    ...(dropped && { dropped }),
    ...(restored && { restored }),
  };
}

function batchOf(db: DatabaseSync, items: readonly Released<OutboxItem>[]): BatchBody {
  return {
    kind: "batch",
    items: [...items],
    completeThrough: completeThrough(db, items.at(-1)?.sequence ?? 0),
    answersThrough: answersThrough(db),
  };
}

async function sendOne(
  client: MqttClient,
  { gateway, hub, key, clock }: LinkOptions,
  body: Body,
): Promise<void> {
  const bytes = seal(body, { from: gateway, to: hub, sent: clock.now(), key });
  await client.publishAsync(topics.up(gateway), bytes, { qos: 1 });
}

/** The items whose receipt carries the digest of exactly what was sent. */
function confirmed(items: readonly Released<OutboxItem>[], receipt: Receipt): Receipt {
  const sent = new Map(items.map((item) => [item.sequence, sha256Hex(canonicalJson(item))]));
  return receipt.filter(({ sequence, digest }) => sent.get(sequence) === digest);
}
