import { Aedes, type AuthenticateError, type Client, type PublishPacket, type Subscription } from "aedes";
import { messageOf } from "../domain/model/index.ts";
import { openListener, type Listener } from "./broker-listener.ts";
import type { Logger } from "./log.ts";

/** What a broker asks of the program that it serves. Everything that is not said yes to is refused. */
export interface BrokerOptions {
  readonly host: string;
  /** 0 takes a free port; `Broker.port` says which. */
  readonly port: number;
  /** The user's name when user and password are right, else undefined. Nobody is anonymous. */
  authenticate(user: string, password: string): Promise<string | undefined> | string | undefined;
  mayPublish(user: string, topic: string): boolean;
  maySubscribe(user: string, filter: string): boolean;
  /**
   * Called for each message before it is acknowledged: PUBACK leaves after the promise resolves. When it rejects,
   * no PUBACK is sent and the client's connection is closed, so that it sends again.
   */
  onMessage(message: BrokerMessage): Promise<void>;
  /** Larger packets end their connection; `MESSAGE_BYTES_MAX` where absent. */
  readonly messageBytesMax?: number;
  readonly log: Logger;
}

export interface BrokerMessage {
  readonly user: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export interface Broker extends AsyncDisposable {
  readonly port: number;
  /** Sends to every subscriber of the topic, QoS 1. */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  connectedUsers(): readonly string[];
}

export const MESSAGE_BYTES_MAX = 256 * 1024;
/** How long a connection may take to say who it is, ms. */
const CONNECT_MS = 10_000;
/** A subscriber that reads nothing for so long is cut off, so that it holds nobody else up, ms. */
const DRAIN_MS = 10_000;
const TOPIC_LEVELS_MAX = 16;
/** CONNACK 4, "bad user name or password" (MQTT 3.1.1, table 3.1). */
const BAD_USER_NAME_OR_PASSWORD = 4;

/**
 * An MQTT 3.1.1 broker in this process. It keeps nothing: no retained message of a client and no session beyond the
 * connection, because what is durable here lies in the record, and memory must not grow with who stays away.
 * Rejects with PORT_BUSY or BROKER_FAILED.
 */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const gate = new Gate(options);
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_MS,
    drainTimeout: DRAIN_MS,
    maxTopicLevels: TOPIC_LEVELS_MAX,
    preConnect(_client, packet, done) {
      packet.clean = true;
      done(null, true);
    },
    authenticate: (client, user, password, done) => void gate.authenticate(client, user, password, done),
    authorizePublish: (client, packet, done) => void gate.publish(client, packet, done),
    authorizeSubscribe: (client, subscription, done) => done(null, gate.subscribe(client, subscription)),
  });
  observe(aedes, gate, options.log);
  try {
    const listener = await openListener({
      host: options.host,
      port: options.port,
      packetBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_MAX,
      handle: (socket) => void aedes.handle(socket),
      log: options.log,
    });
    return brokerOf(aedes, listener, gate);
  } catch (error) {
    await close(aedes);
    throw error;
  }
}

function brokerOf(aedes: Aedes, listener: Listener, gate: Gate): Broker {
  return {
    port: listener.port,
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        const packet: PublishPacket = {
          cmd: "publish",
          topic,
          payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
          qos: 1,
          dup: false,
          retain: false,
        };
        aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    connectedUsers: () => gate.connectedUsers(),
    async [Symbol.asyncDispose]() {
      await close(aedes);
      await listener[Symbol.asyncDispose]();
    },
  };
}

const close = (aedes: Aedes): Promise<void> => new Promise((resolve) => aedes.close(() => resolve()));

function observe(aedes: Aedes, gate: Gate, log: Logger): void {
  aedes.on("client", (client) => gate.connected.add(client));
  aedes.on("clientDisconnect", (client) => gate.connected.delete(client));
  aedes.on("clientError", (client, error) =>
    log.debug({ client: client.id, reason: error.message }, "broker: a client's connection ended"),
  );
  aedes.on("connectionError", (_client, error) =>
    log.debug({ reason: error.message }, "broker: a connection ended before it was let in"),
  );
  // aedes' own "error" is not in its types; without a listener it would end the process.
  const events: NodeJS.EventEmitter = aedes;
  events.on("error", (error) => log.error({ err: error }, "broker: internal error"));
}

type Done = (error?: Error | null) => void;

/** Asks the program about each connection, message and subscription; what it does not allow, or throws at, is refused. */
class Gate {
  readonly connected = new Set<Client>();
  private readonly users = new WeakMap<Client, string>();
  private readonly options: BrokerOptions;

  constructor(options: BrokerOptions) {
    this.options = options;
  }

  connectedUsers(): string[] {
    return [...new Set([...this.connected].map((client) => this.users.get(client) ?? ""))].sort();
  }

  async authenticate(
    client: Client,
    name: string | undefined,
    password: Uint8Array | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): Promise<void> {
    const user = await this.userOf(name, password);
    if (user === undefined) {
      this.options.log.warn({ client: client.id, user: name }, "broker: a sign-in was refused");
      done(
        Object.assign(new Error("bad user name or password"), { returnCode: BAD_USER_NAME_OR_PASSWORD }),
        false,
      );
      return;
    }
    this.users.set(client, user);
    this.noteTakeover(client, user);
    done(null, true);
  }

  async publish(client: Client | null, packet: PublishPacket, done: Done): Promise<void> {
    const user = client ? this.users.get(client) : undefined;
    const { topic, qos, retain, payload } = packet;
    try {
      if (user === undefined || topic.startsWith("$") || !this.options.mayPublish(user, topic)) {
        throw new Error(`${user ?? "nobody"} may not publish to ${topic}`);
      }
      packet.retain = false;
      const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
      await this.options.onMessage({ user, topic, payload: bytes, qos, retain });
    } catch (error) {
      this.options.log.warn({ user, topic, reason: messageOf(error) }, "broker: a message was refused");
      done(error instanceof Error ? error : new Error(messageOf(error)));
      return;
    }
    done(null);
  }

  subscribe(client: Client, subscription: Subscription): Subscription | null {
    const user = this.users.get(client);
    const filter = subscription.topic;
    if (user !== undefined && !filter.startsWith("$") && this.options.maySubscribe(user, filter))
      return subscription;
    this.options.log.warn({ user, filter }, "broker: a subscription was refused");
    return null;
  }

  private async userOf(
    name: string | undefined,
    password: Uint8Array | undefined,
  ): Promise<string | undefined> {
    if (!name || !password?.length) return undefined;
    try {
      return await this.options.authenticate(name, Buffer.from(password).toString("utf8"));
    } catch (error) {
      this.options.log.error(
        { user: name, reason: messageOf(error) },
        "broker: a sign-in could not be checked",
      );
      return undefined;
    }
  }

  /** MQTT 3.1.1 section 3.1.4: the newer connection of a client id closes the older. Between two users, somebody should look. */
  private noteTakeover(client: Client, user: string): void {
    for (const other of this.connected) {
      if (other.id !== client.id) continue;
      this.options.log.warn(
        { client: client.id, user, before: this.users.get(other) },
        "broker: a client id is used again",
      );
    }
  }
}
