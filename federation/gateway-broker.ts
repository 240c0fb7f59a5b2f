import { timingSafeEqual } from "node:crypto";
import { openBroker, type Broker } from "../platform/broker.ts";
import type { Logger } from "../platform/log.ts";
import { sha256Hex } from "../protocol/keys.ts";
import { MESSAGE_BYTES_MAX, topics } from "../protocol/messages.ts";
import type { Exchange } from "./exchange.ts";
import type { HubConfig } from "./hub-file.ts";

/** Room for the topic and the headers of MQTT around the largest message. */
const PACKET_EXTRA_BYTES = 1024;

/**
 * The broker that gateways connect to. Each signs in with its id and the password of its enrolment, may speak on its
 * own `up` and hear its own `down`, and nothing else. A batch is acknowledged after the hub has it.
 */
export function openGatewayBroker(config: HubConfig, exchange: Exchange, log: Logger): Promise<Broker> {
  const hashes = new Map(config.gateways.map(({ id, passwordSha256 }) => [id, Buffer.from(passwordSha256)]));
  return openBroker({
    ...config.broker,
    messageBytesMax: MESSAGE_BYTES_MAX + PACKET_EXTRA_BYTES,
    log,
    authenticate(user, password) {
      const expected = hashes.get(user);
      const right = expected !== undefined && timingSafeEqual(Buffer.from(sha256Hex(password)), expected);
      return right ? user : undefined;
    },
    mayPublish: (user, topic) => topic === topics.up(user),
    maySubscribe: (user, filter) => filter === topics.down(user),
    onMessage: ({ user, payload }) => exchange.take(user, payload),
  });
}
