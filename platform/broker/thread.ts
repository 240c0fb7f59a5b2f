/**
 * The broker's thread: aedes and everything that strangers' bytes touch. It decides nothing and keeps nothing, so that
 * it may die at any time: the program starts another, devices come back and send again what was not acknowledged.
 */
import { Aedes, type Client, type PublishPacket } from "aedes";
import { parentPort } from "node:worker_threads";
import { FieldwattError, messageOf } from "../../domain/model/errors.ts";
import { collectWhenSettled } from "../settled.ts";
import { Calls, type Post } from "./calls.ts";
import { Clients } from "./clients.ts";
import { TopicEmitter } from "./emitter.ts";
import { Gate } from "./gate.ts";
import { openListener, type Listener } from "./listener.ts";
import type { Order, ThreadOptions } from "./messages.ts";
import { ConnectionPersistence } from "./persistence.ts";
import { openSay, type Say } from "./say.ts";
import "./small-packets.ts";

/** How long a connection may take to say who it is, ms. */
const CONNECT_MS = 10_000;
/** A subscriber that reads nothing for so long is cut off, ms. */
const DRAIN_MS = 15_000;
export const TOPIC_LEVELS_MAX = 12;
/** QoS 2 messages of one connection between PUBLISH and PUBREL. */
const HALF_SENT_MAX = 1_000;
/** MQTT 3.1 allowed 23 letters; the user's name is in front of it here. */
const CLIENT_ID_MAX = 65_535;

async function open(options: ThreadOptions, post: Post): Promise<(order: Order) => void> {
  const say = openSay(post, () => performance.now());
  const calls = new Calls(post);
  const persistence = new ConnectionPersistence();
  const clients = new Clients({
    now: () => performance.now(),
    say,
    onShared: (clientId, users) => post({ kind: "sharedClientId", clientId, users }),
  });
  const gate = new Gate({ calls, clients, persistence, say });
  const aedes = await openAedes(gate, persistence, say);
  const now = (): number => performance.now();
  const listener = await openListener({
    ...options,
    now,
    handle: (socket) => void aedes.handle(socket),
    say,
  });
  aedes.on("client", (client) => {
    const who = gate.of(client);
    if (!who) return;
    listener.known(client.conn);
    clients.add(client, who);
    post({ kind: "connected", user: who.user });
  });
  aedes.on("clientDisconnect", (client) => {
    const who = clients.delete(client);
    if (who) post({ kind: "disconnected", user: who.user });
  });
  post({ kind: "listening", port: listener.port });
  collectWhenSettled();
  return (order) => obey(order, { aedes, calls, listener, post });
}

async function openAedes(gate: Gate, persistence: ConnectionPersistence, say: Say): Promise<Aedes> {
  const fault = (error: unknown): void => say.error({ error: messageOf(error) }, "broker: internal error");
  const aedes = await Aedes.createBroker({
    mq: new TopicEmitter(fault),
    persistence,
    connectTimeout: CONNECT_MS,
    drainTimeout: DRAIN_MS,
    maxTopicLevels: TOPIC_LEVELS_MAX,
    maxInflightInbound: HALF_SENT_MAX,
    maxClientsIdLength: CLIENT_ID_MAX,
    preConnect(client, packet, done) {
      gate.introduce(client, packet);
      done(null, true);
    },
    authenticate: (client, _user, password, done) => gate.authenticate(client, password, done),
    authorizePublish: (client, packet, done) => gate.publish(client, packet, done),
    authorizeSubscribe: (client, subscription, done) => gate.subscribe(client, subscription, done),
    authorizeForward: (client, packet) => (gate.mayForward(client) ? packet : null),
  });
  const ended = (client: Client, error: Error): void =>
    say.debug({ client: client.id, reason: error.message }, "broker: a connection ended");
  aedes.on("clientError", ended);
  aedes.on("connectionError", ended);
  // aedes' own "error" is not in its types; without a listener it would end the thread.
  const events: NodeJS.EventEmitter = aedes;
  events.on("error", fault);
  return aedes;
}

interface Running {
  readonly aedes: Aedes;
  readonly calls: Calls;
  readonly listener: Listener;
  readonly post: Post;
}

function obey(order: Order, { aedes, calls, listener, post }: Running): void {
  switch (order.kind) {
    case "open":
      return;
    case "signedIn":
      return calls.answer(order.call, order.user);
    case "subscribed":
      return calls.answer(order.call, order.allowed);
    case "decided":
      for (const call of order.taken) calls.answer(call, true);
      for (const call of order.refused) calls.answer(call, false);
      return;
    case "publish":
      return aedes.publish(packetOf(order), (error) =>
        post({ kind: "published", call: order.call, ...(error && { error: error.message }) }),
      );
    case "close":
      aedes.close(() => void listener[Symbol.asyncDispose]().then(() => parentPort?.close()));
  }
}

function packetOf({ topic, payload, retain }: Extract<Order, { kind: "publish" }>): PublishPacket {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return { cmd: "publish", topic, payload: bytes, qos: 1, dup: false, retain };
}

const post: Post = (report, transfer = []) => parentPort?.postMessage(report, transfer);
const waiting: Order[] = [];
let act = (order: Order): void => {
  if (order.kind === "open") void begin(order.options);
  else waiting.push(order);
};
parentPort?.on("message", (order: Order) => act(order));

async function begin(options: ThreadOptions): Promise<void> {
  try {
    act = await open(options, post);
    for (const order of waiting) act(order);
  } catch (error) {
    const code = error instanceof FieldwattError ? error.code : "BROKER_FAILED";
    post({ kind: "failed", code, message: messageOf(error) });
    parentPort?.close();
  }
}
