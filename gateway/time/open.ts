import type { Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import type { Machine } from "./machine.ts";
import { villageTime, type GatewayTime } from "./time.ts";
import { Timekeeper } from "./timekeeper.ts";

export interface TimeOptions {
  readonly site: Site;
  /** The clock of a demo village; absent where the machine tells the time. */
  readonly village?: Clock | undefined;
  readonly machine: Machine;
  readonly store: RecordStore;
  readonly log: Logger;
}

/** The gateway's time, after its first look at the machine: nothing is stamped before. */
export async function openTime({ site, village, machine, store, log }: TimeOptions): Promise<GatewayTime> {
  if (village) return villageTime(village);
  const time = new Timekeeper({ machine, store, trust: site.clock.trust, folder: site.data, log });
  await time.look();
  return time;
}
