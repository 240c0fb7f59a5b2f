import { join } from "node:path";
import type { Clock, Entropy } from "../domain/model/index.ts";
import { loadCatalogue } from "../drivers/index.ts";
import { openBroker } from "../platform/broker.ts";
import type { Logger } from "../platform/log.ts";
import { openAccounts } from "../platform/web/index.ts";
import { openAcquisition } from "./acquire/acquisition.ts";
import { villageBroker } from "./acquire/village-broker.ts";
import { hubLink } from "./forward/hub-link.ts";
import { openPortal } from "./portal/index.ts";
import { openRecord } from "./record/open.ts";
import { createGate } from "./release/gate.ts";
import { openMetrics } from "./sinks/prometheus.ts";
import { openIdentity } from "./site/identity.ts";
import { loadPolicyOrNone, type Site } from "./site/load.ts";
import { createSummariser, keepSummarising } from "./summarise/summariser.ts";

export interface GatewayOptions {
  readonly site: Site;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** The world's time, for the lifetimes of sessions and links. */
  readonly wallNow: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  onReady(ports: { portal: number; broker?: number; store: RecordStore }): void;
}
