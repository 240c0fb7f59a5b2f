import type { AuthenticateError, Client, ConnectPacket, PublishPacket, Subscription } from "aedes";
import type { Socket } from "node:net";
import type { Calls } from "./calls.ts";
import {
  BAD_USER_NAME_OR_PASSWORD,
  boundId,
  IDENTIFIER_REJECTED,
  type Clients,
  type Introduction,
} from "./clients.ts";
import type { ConnectionPersistence } from "./persistence.ts";
import type { Say } from "./say.ts";

/** Subscriptions of one connection. */
export const SUBSCRIPTIONS_MAX = 100;
/** What may wait in the socket of a subscriber who reads too slowly; beyond it the connection is closed. */
export const UNREAD_BYTES_MAX = 1024 * 1024;

type Done = (error?: Error | null) => void;

export interface GateOptions {
  readonly calls: Calls;
  readonly clients: Clients;
  readonly persistence: ConnectionPersistence;
  readonly say: Say;
}

/** Asks the program about each connection, message and subscription; what it does not allow is refused. */
export class Gate {
  private readonly introductions = new WeakMap<Client, Introduction>();
  private readonly subscriptions = new WeakMap<Client, number>();
  private readonly options: GateOptions;

  constructor(options: GateOptions) {
    this.options = options;
  }

  /** Every session ends with its connection, and a client id belongs to its user. */
  introduce(client: Client, packet: ConnectPacket): void {
    const { clientId, username = "", clean } = packet;
    const address = (client.conn as Socket).remoteAddress ?? "";
    this.introductions.set(client, { clientId, user: username, address });
    // An id of the broker's own making is for clean sessions (MQTT-3.1.3-7); aedes would let it pass.
    if (clientId === "" && clean === false) this.introductions.delete(client);
    if (clientId !== "") packet.clientId = boundId(username, clientId);
    packet.clean = true;
  }

  authenticate(
    client: Client,
    password: Uint8Array | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const { calls, clients, say } = this.options;
    const refuse = (returnCode: number, why: string): void => {
      say.warn({ client: client.id, from: (client.conn as Socket).remoteAddress }, `broker: ${why}`);
      done(Object.assign(new Error(why), { returnCode }), false);
    };
    const who = this.introductions.get(client);
    if (!who) return refuse(IDENTIFIER_REJECTED, "a session to keep needs a client id");
    const wrong = (): void => refuse(BAD_USER_NAME_OR_PASSWORD, "a sign-in was refused");
    if (who.user === "" || !password?.length) return wrong();
    const question = {
      kind: "signIn" as const,
      user: who.user,
      password: Buffer.from(password).toString("utf8"),
      address: who.address,
    };
    calls.ask(question, (user: string | undefined) => {
      if (user === undefined) return wrong();
      const refusal = clients.refusal({ ...who, user });
      if (refusal !== undefined) return refuse(refusal, "a device must wait");
      this.introductions.set(client, { ...who, user });
      done(null, true);
    });
  }

  /** Who signed in on this connection. */
  of(client: Client): Introduction | undefined {
    return this.introductions.get(client);
  }

  publish(client: Client | null, packet: PublishPacket, done: Done): void {
    const user = client ? this.introductions.get(client)?.user : undefined;
    const { topic, qos, retain, payload } = packet;
    const refuse = (): void => done(new Error("the message was refused"));
    if (!client || user === undefined || topic.startsWith("$")) return refuse();
    packet.retain = false;
    if (qos === 2 && this.options.persistence.holds(client, packet)) return done(null);
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    this.options.calls.message({ user, topic, payload: bytes, qos, retain }, (taken) =>
      taken ? done(null) : refuse(),
    );
  }

  subscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const user = this.introductions.get(client)?.user;
    const filter = subscription.topic;
    const count = (this.subscriptions.get(client) ?? 0) + 1;
    const refuse = (): void => {
      this.options.say.warn({ user, filter: filter.slice(0, 200) }, "broker: a subscription was refused");
      done(null, null);
    };
    if (user === undefined || filter.startsWith("$") || count > SUBSCRIPTIONS_MAX) return refuse();
    this.subscriptions.set(client, count);
    this.options.calls.ask({ kind: "subscribe", user, filter }, (allowed: boolean) =>
      allowed ? done(null, subscription) : refuse(),
    );
  }

  /** A subscriber who does not read gets no more, so that it holds nobody else up. */
  mayForward(client: Client): boolean {
    if (client.conn.writableLength <= UNREAD_BYTES_MAX) return true;
    if (!client.conn.destroyed) {
      this.options.say.warn({ client: client.id }, "broker: a subscriber reads too slowly and was closed");
      client.conn.destroy();
    }
    return false;
  }
}
