import { once } from "node:events";
import type { Clock, Entropy } from "../domain/model/index.ts";
import type { Broker } from "../platform/broker.ts";
import type { Logger } from "../platform/log.ts";
import { publicKeyFromText, publicKeyToText } from "../protocol/keys.ts";
import { openExchange } from "./exchange.ts";
import { openGatewayBroker } from "./gateway-broker.ts";
import { judgeAll, policyKeeperOf } from "./governance/policies.ts";
import type { HubConfig } from "./hub-file.ts";
import { openHubKeys } from "./hub-keys.ts";
import { keepEnrolment } from "./intake/enrolment.ts";
import { openIntake } from "./intake/intake.ts";
import { witnessOf } from "./intake/witness.ts";
import { openPortal } from "./portal/portal.ts";
import { eraserOf } from "./stewardship/erasure.ts";
import { openStorage } from "./storage/index.ts";

export interface HubOptions {
  readonly config: HubConfig;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** The world's time, ms: sessions and links last in it, also when the village's clock runs faster. */
  readonly wallNow: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  onReady?(ready: HubReady): void;
}

export interface HubReady {
  readonly mqttPort: number;
  readonly portalPort: number;
  /** Ed25519, base64url: what gateways pin. */
  readonly publicKey: string;
}

/**
 * Runs a hub until the signal aborts: storage, intake and what follows it, the broker for the gateways, the operator's
 * page.
 * @throws FieldwattError when a part cannot be opened
 */
export async function runHub({
  config,
  clock,
  entropy,
  wallNow,
  log,
  signal,
  onReady,
}: HubOptions): Promise<void> {
  const { id, name, data } = config;
  const keys = await openHubKeys(data);
  await using storage = await openStorage(
    config.storage === "pglite" ? { kind: "pglite", dir: data } : { kind: "postgres", url: config.storage },
  );
  await keepEnrolment(storage, config.gateways);
  const gatewayKeys = new Map(
    config.gateways.map((gateway) => [gateway.id, publicKeyFromText(gateway.publicKey)]),
  );
  const officers = new Map(
    config.gateways.flatMap(({ id: of, officers: them }) => (them ? [[of, them]] : [])),
  );
  await judgeAll(storage, officers);
  const intake = openIntake({
    ...{ storage, clock, log, hub: id, keys: gatewayKeys },
    witness: witnessOf(id, keys),
    erase: eraserOf({ hub: id, key: keys.privateKey, ...config.stewardship }),
    keepPolicy: policyKeeperOf(officers),
  });
  const link: { broker?: Broker } = {};
  const exchange = openExchange({
    ...{ hub: id, keys, storage, intake, tariff: config.tariff, stewardship: config.stewardship, clock, log },
    publish: async (topic, bytes) => link.broker?.publish(topic, bytes),
    connected: () => link.broker?.connectedUsers() ?? [],
  });
  await exchange.catchUp();
  await using portal = await openPortal({ name, data, ...config.portal, storage, clock, wallNow, entropy });
  await using broker = await openGatewayBroker(config, exchange, log);
  link.broker = broker;
  // Declared after the broker, so that it ends before it: what was taken is answered while there is a connection.
  await using _ending = exchange;
  const ready = {
    mqttPort: broker.port,
    portalPort: portal.port,
    publicKey: publicKeyToText(keys.publicKey),
  };
  log.info({ hub: id, gateways: gatewayKeys.size, ...ready }, "the hub is ready");
  onReady?.(ready);
  if (!signal.aborted) await once(signal, "abort");
  log.info({ hub: id }, "the hub ends");
}
