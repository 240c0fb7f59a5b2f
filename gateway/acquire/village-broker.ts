import type { Clock } from "../../domain/model/index.ts";
import { openBroker, type Broker } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import type { Acquisition } from "./acquisition.ts";
import { deliveries } from "./deliveries.ts";
import { openDevicePasswords } from "./device-passwords.ts";
import type { ExternalBroker } from "./external-broker.ts";
import { openQuarantine } from "./quarantine.ts";

/** The broker of the village's MQTT devices: this program's own, or one that the site has already. */
export type VillageBroker = Broker | ExternalBroker;

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
    return openExternalBroker({ site, settings: site.externalBroker, deliver, log });
  }
  return site.broker && openOwnBroker({ ...options, deliver }, site.broker);
}

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
