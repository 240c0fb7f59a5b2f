import type { Clock } from "../../domain/model/index.ts";
import { openBroker, type Broker, type BrokerState } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import type { Acquisition } from "./acquisition.ts";
import { deliveries } from "./deliveries.ts";
import { openDevicePasswords } from "./device-passwords.ts";
import type { ExternalBroker } from "./external-broker.ts";
import { openQuarantine, type Quarantine, type Quarantined } from "./quarantine.ts";

/** The broker of the village's MQTT devices: this program's own, or one that the site has already. */
export interface VillageBroker extends AsyncDisposable {
  /** Undefined where devices connect elsewhere. */
  readonly port: number | undefined;
  connectedUsers(): readonly string[];
  state(): BrokerState;
  /** Messages that could not be taken, newest first; at most `ENTRIES_MAX`. */
  quarantined(): readonly Quarantined[];
}

export interface VillageBrokerOptions {
  readonly site: Site;
  readonly acquisition: Pick<Acquisition, "take" | "topicOf">;
  readonly store: Pick<RecordStore, "stats">;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Each device has a user, a password and a topic space of its own, and nobody else has anything. A message is
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
  return site.broker && withQuarantine(await openOwnBroker({ ...options, deliver }, site.broker), quarantine);
}

const withQuarantine = (broker: Broker | ExternalBroker, quarantine: Quarantine): VillageBroker => ({
  port: broker.port,
  connectedUsers: () => broker.connectedUsers(),
  state: () => broker.state(),
  quarantined: () => quarantine.list().toReversed(),
  [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
});

function openOwnBroker(
  { site, acquisition, log, deliver }: VillageBrokerOptions & { deliver: ReturnType<typeof deliveries> },
  listen: NonNullable<Site["broker"]>,
): Promise<Broker> {
  const inside = (user: string, topic: string): boolean => {
    const base = acquisition.topicOf(user);
    return base !== undefined && (topic === base || topic.startsWith(`${base}/`));
  };
  const passwords = openDevicePasswords(site.data);
  return openBroker({
    ...listen,
    async authenticate(user, password) {
      const known = acquisition.topicOf(user) !== undefined && (await passwords.isRight(user, password));
      return known ? user : undefined;
    },
    mayPublish: inside,
    maySubscribe: inside,
    onMessage: deliver,
    log,
  });
}
