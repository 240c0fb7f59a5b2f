import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { Answers, Decisions, type Rules } from "./broker/decisions.ts";
import type { Message, Report } from "./broker/messages.ts";
import { Retained } from "./broker/retained.ts";
import { startThread, type BrokerThread } from "./broker/worker.ts";
import type { IdleThread } from "./idle-thread.ts";
import type { Logger } from "./log.ts";

export interface BrokerOptions extends Rules {
  readonly host: string;
  /** 0 takes a free port; `Broker.port` says which. */
  readonly port: number;
  /** Larger packets end their connection; `MESSAGE_BYTES_MAX` where absent. */
  readonly messageBytesMax?: number;
  /** Taken for the first start where it is given. */
  readonly thread?: IdleThread | undefined;
  readonly log: Logger;
}

export type BrokerMessage = Message;

export interface Broker extends AsyncDisposable {
  readonly port: number;
  /**
   * Sends to every subscriber of the topic, QoS 1; with `retain` also to later ones, until an empty payload comes.
   * Rejects with BROKER_FAILED while the broker starts again, and when `RETAINED_MAX` topics are retained.
   */
  publish(topic: string, payload: Uint8Array, options?: { readonly retain?: boolean }): Promise<void>;
  connectedUsers(): readonly string[];
  /** A number that grows with each sign-in of the user; undefined while it is not connected. */
  session(user: string): number | undefined;
  state(): BrokerState;
}

/** How the broker is doing, for the operator. */
export interface BrokerState {
  readonly up: boolean;
  /** How often its thread died and was started again. */
  readonly restarts: number;
  /** Client ids that several users have at a time, or had; the newest `SHARED_IDS_MAX`. */
  readonly sharedClientIds: readonly { readonly clientId: string; readonly users: readonly string[] }[];
}

export const MESSAGE_BYTES_MAX = 256 * 1024;
export const SHARED_IDS_MAX = 100;
/** Messages of the program on their way to the thread. */
const PUBLISHES_MAX = 10_000;
/** The pause before each start after a crash, ms: none, then longer while it keeps crashing. */
const PAUSES_MS = [0, 0, 100, 500, 2_000, 5_000];
/** A thread that lived so long counts as well, ms. */
const WELL_MS = 60_000;

/**
 * An MQTT 3.1.1 broker in a thread of its own; the decisions stay here. It keeps nothing: no retained message of a
 * client and no session beyond the connection, because what is durable lies in the record, and memory must not grow
 * with who stays away; only what the program itself retains is. When the thread dies it is started again on its port. Rejects with PORT_BUSY or BROKER_FAILED.
 */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const broker = new RestartingBroker(options);
  await broker.start();
  return broker;
}

export class RestartingBroker implements Broker {
  port: number;
  private readonly options: BrokerOptions;
  private readonly decisions: Decisions;
  private readonly users = new Map<string, number>();
  private readonly signIns = new Map<string, number>();
  private readonly shared = new Map<string, readonly string[]>();
  private readonly publishes = new Map<number, PromiseWithResolvers<unknown>>();
  private readonly retained = new Retained();
  private lastPublish = 0;
  private restarts = 0;
  private thread: BrokerThread | undefined;
  private closing = false;
  private life: Promise<void> = Promise.resolve();
  private readonly stop = new AbortController();

  constructor(options: BrokerOptions) {
    this.options = options;
    this.port = options.port;
    this.decisions = new Decisions(options, options.log);
  }

  async start(): Promise<void> {
    await this.startOnce();
    this.life = this.keepAlive();
  }

  async publish(topic: string, payload: Uint8Array, { retain = false } = {}): Promise<void> {
    // A copy: a view would take all of its buffer along.
    const bytes = Uint8Array.from(payload);
    if (retain && !this.retained.set(topic, bytes))
      throw new FieldwattError("BROKER_FAILED", "Too many topics are retained.");
    if (!this.thread || this.publishes.size >= PUBLISHES_MAX)
      throw new FieldwattError("BROKER_FAILED", "The broker takes no message now.");
    const call = ++this.lastPublish;
    const published = Promise.withResolvers<unknown>();
    this.publishes.set(call, published);
    this.thread.send({ kind: "publish", call, topic, payload: bytes, retain });
    await published.promise;
  }

  connectedUsers(): string[] {
    return [...this.users.keys()].sort();
  }

  session(user: string): number | undefined {
    return this.users.has(user) ? this.signIns.get(user) : undefined;
  }

  state(): BrokerState {
    const sharedClientIds = [...this.shared].map(([clientId, users]) => ({ clientId, users }));
    return { up: this.thread !== undefined, restarts: this.restarts, sharedClientIds };
  }

  /** For tests: ends the thread as a crash would. */
  async crash(): Promise<void> {
    await this.thread?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing = true;
    this.stop.abort();
    await this.thread?.close();
    await this.life;
  }

  private async startOnce(): Promise<void> {
    const { host, messageBytesMax: packetBytesMax = MESSAGE_BYTES_MAX } = this.options;
    let answers: Answers | undefined;
    this.thread = await startThread(
      { host, port: this.port, packetBytesMax },
      (report, { send }) => this.hear(report, (answers ??= new Answers(send)), send),
      this.options.thread,
    );
    this.port = this.thread.port;
    for (const [topic, payload] of this.retained.all())
      this.thread.send({ kind: "publish", call: 0, topic, payload, retain: true });
  }

  private hear(report: Report, answers: Answers, send: BrokerThread["send"]): void {
    switch (report.kind) {
      case "signIn":
        return void this.decisions.signIn(report, send);
      case "subscribe":
        return this.decisions.subscribe(report, send);
      case "messages":
        return this.decisions.messages(report.batch, answers);
      case "published":
        return this.settle(report);
      case "connected":
      case "disconnected":
        return this.count(report);
      case "sharedClientId":
        return this.nameShared(report);
      case "log":
        return this.options.log[report.level](report.fields, report.text);
      case "listening":
      case "failed":
        // Its start has heard them.
        return;
    }
  }

  private settle({ call, error }: Extract<Report, { kind: "published" }>): void {
    const published = this.publishes.get(call);
    this.publishes.delete(call);
    if (error === undefined) published?.resolve(undefined);
    else published?.reject(new FieldwattError("BROKER_FAILED", error));
  }

  private count({ kind, user }: Extract<Report, { kind: "connected" | "disconnected" }>): void {
    if (kind === "connected") this.signIns.set(user, (this.signIns.get(user) ?? 0) + 1);
    const left = (this.users.get(user) ?? 0) + (kind === "connected" ? 1 : -1);
    if (left > 0) this.users.set(user, left);
    else this.users.delete(user);
  }

  private nameShared({ clientId, users }: Extract<Report, { kind: "sharedClientId" }>): void {
    const known = this.shared.get(clientId)?.join() === users.join();
    this.shared.delete(clientId);
    this.shared.set(clientId, users);
    const [oldest] = this.shared.keys();
    if (this.shared.size > SHARED_IDS_MAX && oldest !== undefined) this.shared.delete(oldest);
    if (known) return;
    const text = `broker: ${users.length} devices use the client id ${clientId}: ${users.join(" and ")}`;
    this.options.log.warn({ client: clientId, users }, text);
  }

  /** Starts the thread again whenever it dies, until the broker closes. */
  private async keepAlive(): Promise<void> {
    for (let crashes = 0; !this.closing;) {
      const since = performance.now();
      const why = (await this.thread?.ended) ?? "it did not start";
      this.forget();
      if (this.closing) return;
      if (performance.now() - since > WELL_MS) crashes = 0;
      this.options.log.error({ because: why, crashes }, "broker: its thread died and is started again");
      const pause = PAUSES_MS[Math.min(crashes++, PAUSES_MS.length - 1)] ?? 0;
      await wait(pause, undefined, { signal: this.stop.signal }).catch(() => undefined);
      if (!this.closing) await this.startAgain();
    }
  }

  private async startAgain(): Promise<void> {
    try {
      await this.startOnce();
      this.restarts++;
      if (this.closing) await this.thread?.close();
    } catch (error) {
      this.options.log.error({ because: messageOf(error) }, "broker: it could not be started again");
    }
  }

  private forget(): void {
    this.thread = undefined;
    this.users.clear();
    for (const published of this.publishes.values())
      published.reject(new FieldwattError("BROKER_FAILED", "The broker ended before it had published."));
    this.publishes.clear();
  }
}
