import type { Clock, Entropy } from "../../domain/model/index.ts";
import { openBroker, type Broker, type BrokerState } from "../../platform/broker.ts";
import type { Rules } from "../../platform/broker/decisions.ts";
import type { IdleThread } from "../../platform/idle-thread.ts";
import type { Logger } from "../../platform/log.ts";
import { withGuest } from "../sinks/home-assistant/guest.ts";
import { ownBrokerPublisher, type OwnBrokerPublisher } from "../sinks/home-assistant/publisher.ts";
import type { Site } from "../site/load.ts";
import type { Acquisition } from "./acquisition.ts";
import { openReader, READER, type Reader } from "./broker-access.ts";
import { deliveries, type RecordState } from "./deliveries.ts";
import { openDevicePasswords } from "./device-passwords.ts";
import type { ExternalBroker } from "./external-broker.ts";
import { openQuarantine, type Quarantine, type Quarantined } from "./quarantine.ts";

/** The broker of the village's MQTT devices: this program's own, or one that the site has already. */
export interface VillageBroker extends AsyncDisposable {
  /** Undefined where devices connect elsewhere. */
  readonly port: number | undefined;
  connectedUsers(): readonly string[];
  state(): BrokerState;
  /** To devices on their topics; absent where they connect elsewhere. */
  readonly teller?: DeviceTeller | undefined;
  /** Messages that could not be taken, newest first; at most `ENTRIES_MAX`. */
  quarantined(): readonly Quarantined[];
  /** The way to Home Assistant, where it signs in here. */
  readonly homeAssistant?: OwnBrokerPublisher | undefined;
}

/** Tells devices of the village's own broker, and knows whether they hear. */
export type DeviceTeller = Pick<Broker, "publish" | "session">;

export interface VillageBrokerOptions {
  readonly site: Site;
  readonly acquisition: Pick<Acquisition, "take" | "topicOf">;
  readonly store: RecordState;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Logger;
  /** A thread that has loaded the broker, for the gateway's own. */
  readonly thread?: IdleThread | undefined;
}

/**
 * Each device has a user, a password and a topic space of its own; a probe at this machine may listen. A message is
 * acknowledged after its readings are durable, or when it can never be taken and is in quarantine.
 */
export async function openVillageBroker(options: VillageBrokerOptions): Promise<VillageBroker | undefined> {
  const { site, acquisition, store, clock, log } = options;
  if (!site.broker && !site.externalBroker) return undefined;
  const quarantine = await openQuarantine({ folder: site.data, now: () => clock.now(), log });
  const deliver = deliveries({ take: (message) => acquisition.take(message), quarantine, store });
  if (site.externalBroker) {
    // Loaded where it is asked for: most sites have no other broker.
    const { openExternalBroker } = await import("./external-broker.ts");
    const broker = await openExternalBroker({ site, settings: site.externalBroker, deliver, log });
    return withQuarantine(broker, quarantine);
  }
  if (!site.broker) return undefined;
  const homeAssistant = homeAssistantGuest(site);
  const broker = await openOwnBroker({ ...options, deliver, homeAssistant }, site.broker);
  homeAssistant?.attach(broker);
  return { ...withQuarantine(broker, quarantine), homeAssistant, teller: broker };
}

function homeAssistantGuest({ id, sinks }: Site): OwnBrokerPublisher | undefined {
  const settings = sinks.homeAssistant;
  return settings && ownBrokerPublisher({ site: id, ...settings }, settings.user);
}

const withQuarantine = (broker: Broker | ExternalBroker, quarantine: Quarantine): VillageBroker => ({
  port: broker.port,
  connectedUsers: () => broker.connectedUsers().filter((user) => user !== READER),
  state: () => broker.state(),
  quarantined: () => quarantine.list().toReversed(),
  [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
});

type OwnBrokerOptions = VillageBrokerOptions & {
  readonly deliver: ReturnType<typeof deliveries>;
  readonly homeAssistant: OwnBrokerPublisher | undefined;
};

async function openOwnBroker(
  options: OwnBrokerOptions,
  listen: NonNullable<Site["broker"]>,
): Promise<Broker> {
  await using stack = new AsyncDisposableStack();
  const reader = stack.use(openReader(options.site.data, options.entropy));
  const broker = stack.use(
    await openBroker({ ...listen, ...rulesOf(options, reader), log: options.log, thread: options.thread }),
  );
  await reader.announce({ host: listen.host, port: broker.port });
  const opened = stack.move();
  return {
    port: broker.port,
    publish: (topic, payload, how) => broker.publish(topic, payload, how),
    connectedUsers: () => broker.connectedUsers(),
    session: (user) => broker.session(user),
    state: () => broker.state(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function rulesOf({ site, acquisition, deliver, homeAssistant }: OwnBrokerOptions, reader: Reader): Rules {
  const inside = (device: string, topic: string): boolean => {
    const base = acquisition.topicOf(device);
    return base !== undefined && (topic === base || topic.startsWith(`${base}/`));
  };
  const passwords = openDevicePasswords(site.data);
  const isDevice = async (user: string, password: string): Promise<boolean> =>
    acquisition.topicOf(user) !== undefined && (await passwords.isRight(user, password));
  const rules: Rules = {
    authenticate: async (user, password) =>
      reader.isRight(user, password) || (await isDevice(user, password)) ? user : undefined,
    mayPublish: inside,
    maySubscribe: (user, filter) =>
      user === READER ? site.devices.some(({ id }) => inside(id, filter)) : inside(user, filter),
    onMessage: deliver,
  };
  return homeAssistant
    ? withGuest(rules, homeAssistant.guest, (user, password) => passwords.isRight(user, password))
    : rules;
}
