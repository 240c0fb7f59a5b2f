import { Readable } from "node:stream";
import { Retained } from "./retained.ts";

/**
 * What the broker keeps of its clients, in the place of `aedes-persistence`: nothing beyond a connection. Sessions end
 * with it, so there is no queue of a client that is away and none to outgrow a limit; of retained messages only the
 * program's own come here. What remains are the identifiers of QoS 2 messages between PUBLISH and PUBREL (MQTT 3.1.1, section 4.3.3),
 * without their packets; aedes bounds them for each client (`maxInflightInbound`).
 *
 * aedes asks for promises of these names. None rejects without need: some of its callers do not listen.
 */
export interface HasId {
  readonly id: string;
}

export interface HasMessageId {
  readonly messageId?: number;
}

export class ConnectionPersistence {
  private readonly retained = new Retained();
  private readonly incoming = new Map<string, Set<number>>();

  /** Whether the message was taken before; a repetition is acknowledged and not taken again. */
  holds(client: HasId, { messageId }: HasMessageId): boolean {
    return this.incoming.get(client.id)?.has(messageId ?? 0) ?? false;
  }

  async setup(): Promise<void> {}

  async incomingStorePacket(client: HasId, { messageId }: HasMessageId): Promise<void> {
    let held = this.incoming.get(client.id);
    if (!held) this.incoming.set(client.id, (held = new Set()));
    held.add(messageId ?? 0);
  }

  /** @throws Error when there is none, which is how aedes tells a new message from a repeated one */
  async incomingGetPacket(client: HasId, packet: HasMessageId): Promise<HasMessageId> {
    if (!this.holds(client, packet)) throw new Error("no such packet");
    return packet;
  }

  async incomingDelPacket(client: HasId, { messageId }: HasMessageId): Promise<void> {
    this.incoming.get(client.id)?.delete(messageId ?? 0);
  }

  async cleanIncoming(client: HasId): Promise<void> {
    this.incoming.delete(client.id);
  }

  async subscriptionsByTopic(): Promise<never[]> {
    return [];
  }

  async subscriptionsByClient(): Promise<never[]> {
    return [];
  }

  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async outgoingEnqueue(): Promise<void> {}
  async outgoingEnqueueCombi(): Promise<void> {}
  async outgoingUpdate(): Promise<void> {}
  async outgoingClearMessageId(): Promise<void> {}
  /** A will lives with its connection, which publishes it. */
  async putWill(): Promise<void> {}
  async delWill(): Promise<void> {}

  /** The gate takes the flag from what clients send, so that this is the program's. */
  async storeRetained({ topic, payload }: { topic: string; payload: Uint8Array | string }): Promise<void> {
    this.retained.set(topic, typeof payload === "string" ? Buffer.from(payload) : payload);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(retainedPackets(this.retained, filters));
  }

  outgoingStream(): Readable {
    return Readable.from([]);
  }

  streamWill(): Readable {
    return Readable.from([]);
  }
}

function* retainedPackets(retained: Retained, filters: readonly string[]): Generator<object> {
  for (const { topic, payload } of retained.matching(filters))
    yield { cmd: "publish", qos: 1, topic, payload };
}
