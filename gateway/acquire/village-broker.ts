import { openBroker, type Broker } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { Site } from "../site/load.ts";
import type { Acquisition } from "./acquisition.ts";
import { isDevicePassword } from "./device-passwords.ts";

/**
 * The village broker: each device has a user, a password and a topic space of its own, and nobody else has anything.
 * A message is acknowledged after its readings are durable.
 */
export async function openVillageBroker(
  site: Site,
  acquisition: Acquisition,
  log: Logger,
): Promise<Broker | undefined> {
  if (!site.broker) return undefined;
  const inside = (user: string, topic: string): boolean => {
    const base = acquisition.topicOf(user);
    return base !== undefined && (topic === base || topic.startsWith(`${base}/`));
  };
  return openBroker({
    ...site.broker,
    async authenticate(user, password) {
      const known =
        acquisition.topicOf(user) !== undefined && (await isDevicePassword(site.data, user, password));
      return known ? user : undefined;
    },
    mayPublish: inside,
    maySubscribe: inside,
    onMessage: (message) => acquisition.take(message),
    log,
  });
}
