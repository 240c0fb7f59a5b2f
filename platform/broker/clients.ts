import type { Client } from "aedes";
import type { Say } from "./say.ts";

/**
 * Who is connected, and under which client id. MQTT lets a newer connection end the older of its client id
 * (3.1.1, section 3.1.4), so that two devices with one id throw each other out for ever. Here an id belongs to its
 * user: two users with one id both stay, and are named. One user twice under one id is most likely a device that came
 * back and whose old connection is not known to be dead: the newer wins, but not again and again.
 */

/** Connections of one user at a time. */
export const SESSIONS_PER_USER_MAX = 10;
/** How often a client id may change hands within a minute before the newer one must wait. */
export const TAKEOVERS_A_MINUTE_MAX = 3;
const MINUTE_MS = 60_000;
/** Ids whose takeovers are remembered. */
const REMEMBERED_MAX = 1_000;

/** Reasons of CONNACK (MQTT 3.1.1, table 3.1). */
export const IDENTIFIER_REJECTED = 2;
export const SERVER_UNAVAILABLE = 3;
export const BAD_USER_NAME_OR_PASSWORD = 4;

export interface Introduction {
  /** The client id as the client gave it; empty where the broker makes one. */
  readonly clientId: string;
  readonly user: string;
  readonly address: string;
}

/** The id under which aedes keeps the client; a user's name has no space in front. */
export const boundId = (user: string, clientId: string): string => `${user} ${clientId}`;

export class Clients {
  private readonly connected = new Map<Client, Introduction>();
  private readonly takeovers = new Map<string, number[]>();
  private readonly now: () => number;
  private readonly say: Say;
  private readonly onShared: (clientId: string, users: readonly string[]) => void;

  constructor(options: {
    readonly now: () => number;
    readonly say: Say;
    /** Two or more users have one client id. */
    readonly onShared: (clientId: string, users: readonly string[]) => void;
  }) {
    this.now = options.now;
    this.say = options.say;
    this.onShared = options.onShared;
  }

  /** The CONNACK reason why this client, whose password was right, must wait; undefined when it may come in. */
  refusal(who: Introduction): number | undefined {
    const own = [...this.connected.values()].filter((other) => other.user === who.user);
    const before = own.find((other) => who.clientId !== "" && other.clientId === who.clientId);
    if (before) return this.takeover(who, before);
    if (own.length < SESSIONS_PER_USER_MAX) return undefined;
    this.say.warn(
      { user: who.user, max: SESSIONS_PER_USER_MAX },
      "broker: one connection of a user too many",
    );
    return SERVER_UNAVAILABLE;
  }

  add(client: Client, who: Introduction): void {
    this.connected.set(client, who);
    if (who.clientId === "") return;
    const users = new Set(
      [...this.connected.values()].filter((o) => o.clientId === who.clientId).map((o) => o.user),
    );
    if (users.size > 1) this.onShared(who.clientId, [...users].sort());
  }

  /** @returns who it was, or undefined when it was not in. */
  delete(client: Client): Introduction | undefined {
    const who = this.connected.get(client);
    this.connected.delete(client);
    return who;
  }

  private takeover(who: Introduction, before: Introduction): number | undefined {
    const id = boundId(who.user, who.clientId);
    const recent = (this.takeovers.get(id) ?? []).filter((at) => at > this.now() - MINUTE_MS);
    const fields = { user: who.user, client: who.clientId, from: who.address, before: before.address };
    if (recent.length >= TAKEOVERS_A_MINUTE_MAX) {
      this.say.warn(fields, "broker: two devices use one user and client id: the newer waits");
      return SERVER_UNAVAILABLE;
    }
    this.takeovers.delete(id);
    this.takeovers.set(id, [...recent, this.now()]);
    const [oldest] = this.takeovers.keys();
    if (this.takeovers.size > REMEMBERED_MAX && oldest !== undefined) this.takeovers.delete(oldest);
    this.say.warn(fields, "broker: a client id is used again");
    return undefined;
  }
}
