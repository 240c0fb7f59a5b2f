import type { Rules } from "../../../platform/broker/decisions.ts";
import type { BrokerGuest } from "./publisher.ts";

/** The broker's rules with Home Assistant let in: it reads what is announced to it, and says that it has started. */
export const withGuest = (
  rules: Rules,
  guest: BrokerGuest,
  isRight: (user: string, password: string) => Promise<boolean>,
): Rules => ({
  authenticate: async (user, password) =>
    user === guest.user && (await isRight(user, password)) ? user : rules.authenticate(user, password),
  mayPublish: (user, topic) =>
    user === guest.user ? guest.mayPublish(topic) : rules.mayPublish(user, topic),
  maySubscribe: (user, filter) =>
    user === guest.user ? guest.maySubscribe(filter) : rules.maySubscribe(user, filter),
  async onMessage(message) {
    if (message.user === guest.user) guest.onMessage(message);
    else await rules.onMessage(message);
  },
});
