import { connect, type IPublishPacket, type MqttClient } from "mqtt";
import { messageOf } from "../../domain/model/index.ts";
import type { BrokerMessage, BrokerState } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { Site } from "../site/load.ts";
import { readBrokerPassword } from "./broker-password.ts";

/**
 * A broker that the site has already, for example Mosquitto. The gateway is a client of it, with sessions that last:
 * what devices publish with QoS 1 while the gateway is away waits there, as far as that broker keeps it, and is
 * acknowledged to it after the commit. Who may publish where is that broker's to say (its password file and ACL).
 */

/**
 * mqtt.js takes one message of a connection at a time, and each waits for its commit; so many connections share one
 * commit. The number is fixed, because each one's session lies in the broker under its name.
 */
export const SESSIONS = 4;
/** The pause before a connection is tried again, ms. */
const RECONNECT_MS = 1_000;
const KEEPALIVE_S = 30;

export interface ExternalBrokerOptions {
  readonly site: Site;
  readonly settings: NonNullable<Site["externalBroker"]>;
  deliver(message: BrokerMessage): Promise<void>;
  readonly log: Logger;
}

export interface ExternalBroker extends AsyncDisposable {
  /** Devices connect elsewhere. */
  readonly port: undefined;
  /** The other broker does not say. */
  connectedUsers(): readonly string[];
  state(): BrokerState;
}

/** Resolves before the broker answers: it may be away. Rejects with SITE_FILE_INVALID when the password cannot be read. */
export async function openExternalBroker(options: ExternalBrokerOptions): Promise<ExternalBroker> {
  const password = await readBrokerPassword(options.site, options.settings);
  const devices = mqttDevices(options.site);
  const sessions = Array.from({ length: SESSIONS }, (_, number) => {
    const own = devices.filter((_device, i) => i % SESSIONS === number);
    return openSession(options, { password, number, devices: own });
  });
  return {
    port: undefined,
    connectedUsers: () => [],
    state: () => ({ up: sessions.every((s) => s.connected), restarts: 0, sharedClientIds: [] }),
    async [Symbol.asyncDispose]() {
      // Not forced: what was committed is acknowledged first. The sessions stay in the broker.
      await Promise.all(sessions.map((session) => session.endAsync()));
    },
  };
}

interface Device {
  readonly id: string;
  readonly topic: string;
}

/** In the order of their ids, so that the same devices mostly meet the same session after a change of the site file. */
function mqttDevices(site: Site): Device[] {
  return site.devices
    .flatMap(({ id, connection }) => (connection.kind === "mqtt" ? [{ id, topic: connection.topic }] : []))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Session {
  readonly password: string;
  readonly number: number;
  readonly devices: readonly Device[];
}

function openSession(options: ExternalBrokerOptions, { password, number, devices }: Session): MqttClient {
  const { site, settings, log } = options;
  const client = connect(settings.url, {
    clientId: `fieldwatt-${site.id}-${number}`,
    username: settings.user,
    password,
    clean: false,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: RECONNECT_MS,
    resubscribe: false,
    // A wrong password may be put right while the gateway runs.
    reconnectOnConnackError: true,
  });
  let trouble: string | undefined;
  const tell = (because: string): void => {
    if (because !== trouble)
      log.warn({ broker: settings.url, because }, "the external broker is away; trying on");
    trouble = because;
  };
  client.on("error", (error) => tell(messageOf(error)));
  client.on("close", () => tell(trouble ?? "the connection was closed"));
  client.on("connect", () => {
    trouble = undefined;
    log.info({ broker: settings.url, session: number }, "connected to the external broker");
    subscribe(client, devices).catch((error: unknown) => tell(messageOf(error)));
  });
  client.handleMessage = receiver(client, options);
  return client;
}

async function subscribe(client: MqttClient, devices: readonly Device[]): Promise<void> {
  const filters = devices.flatMap(({ topic }) => [topic, `${topic}/#`]);
  if (filters.length > 0) await client.subscribeAsync(filters, { qos: 1 });
}

/**
 * mqtt.js sends PUBACK when the callback comes back. When the record cannot commit, the callback never comes: the
 * connection is closed instead, and the broker sends again on the next one.
 */
function receiver(
  client: MqttClient,
  { site, deliver, log }: ExternalBrokerOptions,
): MqttClient["handleMessage"] {
  const byTopic = new Map(mqttDevices(site).map(({ id, topic }) => [topic, id]));
  return (packet, done) => {
    const user = deviceOf(packet.topic, byTopic);
    // A device that the site file no longer has, in a session that still does.
    if (user === undefined) return done();
    deliver(messageFrom(user, packet)).then(
      () => done(),
      (error: unknown) => {
        log.warn({ device: user, reason: messageOf(error) }, "a message is left with the external broker");
        client.stream.destroy();
      },
    );
  };
}

/** The device in whose topic space the topic lies. */
function deviceOf(topic: string, byTopic: ReadonlyMap<string, string>): string | undefined {
  for (let end = topic.length; end > 0; end = topic.lastIndexOf("/", end - 1)) {
    const device = byTopic.get(topic.slice(0, end));
    if (device !== undefined) return device;
  }
  return undefined;
}

function messageFrom(user: string, { topic, payload, qos, retain }: IPublishPacket): BrokerMessage {
  return { user, topic, payload: typeof payload === "string" ? Buffer.from(payload) : payload, qos, retain };
}
