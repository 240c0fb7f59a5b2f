import type { Clock, Entropy } from "../domain/model/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Remembered } from "../platform/remembered.ts";
import type { Figures } from "./sinks/figures.ts";
import type { Site } from "./site/load.ts";
import type { GatewayThreads } from "./threads.ts";
import type { Machine } from "./time/machine.ts";

export interface GatewayOptions {
  readonly site: Site;
  /** Threads that have been started before; ended by whoever started them where the site does not need them. */
  readonly threads?: Pick<GatewayThreads, "record" | "broker"> | undefined;
  /** The clock of a demo village; absent where the machine tells the time. */
  readonly village?: Clock | undefined;
  readonly machine: Machine;
  readonly entropy: Entropy;
  /** The world's time, ms, for the lifetimes of sessions and links. */
  readonly wallNow: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** What was found right at an earlier start. */
  readonly remembered?: Remembered | undefined;
  onReady(gateway: { portalPort: number; brokerPort: number | undefined; figures: () => Figures }): void;
}
