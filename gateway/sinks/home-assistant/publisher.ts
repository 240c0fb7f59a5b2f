import { FieldwattError, messageOf } from "../../../domain/model/index.ts";
import type { Broker, BrokerMessage } from "../../../platform/broker.ts";
import { readBrokerPassword } from "../../acquire/broker-password.ts";
import type { Site } from "../../site/load.ts";
import { birthTopic, gatewayStatusTopic, type Naming } from "./discovery.ts";

/** Retained messages to wherever Home Assistant listens. */
export interface Publisher extends AsyncDisposable {
  /** Retained; an empty payload takes it back. Rejects while the broker is away. */
  publish(topic: string, payload: string): Promise<void>;
  /** Counts up whenever everything should be told again: a new connection, Home Assistant's birth. */
  epoch(): number;
  /** Whether what was taken back is known to have arrived: the broker keeps it, or Home Assistant listens. */
  arrives(): boolean;
}

/** How Home Assistant signs in to the village's own broker, and what it may do there. */
export interface BrokerGuest {
  readonly user: string;
  mayPublish(topic: string): boolean;
  maySubscribe(filter: string): boolean;
  onMessage(message: BrokerMessage): void;
}

export interface OwnBrokerPublisher extends Publisher {
  readonly guest: BrokerGuest;
  /** The broker opens after the guest is known. */
  attach(broker: Pick<Broker, "publish">): void;
}

/** Through the gateway's own broker, which retains what the program says and nothing else (decision 0006). */
export function ownBrokerPublisher(naming: Naming, user: string): OwnBrokerPublisher {
  let broker: Pick<Broker, "publish"> | undefined;
  let epoch = 0;
  const inside = (name: string): boolean =>
    name.startsWith(`${naming.prefix}/`) || name.startsWith(`${naming.topic}/`);
  return {
    guest: {
      user,
      mayPublish: (topic) => topic === birthTopic(naming),
      maySubscribe: inside,
      onMessage: ({ payload }) => {
        if (Buffer.from(payload).toString() === "online") epoch++;
      },
    },
    attach: (opened) => (broker = opened),
    async publish(topic, payload) {
      if (!broker) throw new FieldwattError("BROKER_FAILED", "The broker is not open yet.");
      await broker.publish(topic, Buffer.from(payload), { retain: true });
    },
    epoch: () => epoch,
    arrives: () => epoch > 0,
    // The broker goes with the gateway, and Home Assistant sees that.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The pause before a connection is tried again, ms. */
const RECONNECT_MS = 2_000;

/**
 * Through a broker that the site has already, by a connection of its own with a last will. Rejects with
 * SITE_FILE_INVALID when the password cannot be read; the broker may be away.
 */
export async function externalPublisher(
  naming: Naming,
  site: Pick<Site, "file" | "id">,
  settings: NonNullable<Site["externalBroker"]>,
): Promise<Publisher> {
  const status = gatewayStatusTopic(naming);
  // Loaded here: with the gateway's own broker there is no client.
  const { connect } = await import("mqtt");
  const client = connect(settings.url, {
    clientId: `fieldwatt-${site.id}-home-assistant`,
    username: settings.user,
    password: await readBrokerPassword(site, settings),
    clean: true,
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    queueQoSZero: false,
    will: { topic: status, payload: Buffer.from("offline"), qos: 1, retain: true },
  });
  let [connected, epoch, trouble] = [false, 0, "not connected yet"];
  client.on("error", (error) => (trouble = messageOf(error)));
  client.on("close", () => (connected = false));
  client.on("connect", () => {
    connected = true;
    epoch++;
    client
      .subscribeAsync(birthTopic(naming), { qos: 1 })
      .catch((error: unknown) => (trouble = messageOf(error)));
  });
  client.on("message", (topic, payload) => {
    if (topic === birthTopic(naming) && payload.toString() === "online") epoch++;
  });
  return {
    async publish(topic, payload) {
      if (!connected) throw new Error(`${new URL(settings.url).host}: ${trouble}`);
      await client.publishAsync(topic, payload, { qos: 1, retain: true });
    },
    epoch: () => epoch,
    arrives: () => true,
    async [Symbol.asyncDispose]() {
      if (connected) await client.publishAsync(status, "offline", { qos: 1, retain: true });
      await client.endAsync(true);
    },
  };
}
