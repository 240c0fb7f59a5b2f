import type { Clock, Instant } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import { EARLIEST } from "./evidence.ts";
import type { Machine } from "./machine.ts";
import { villageTime, type GatewayTime } from "./time.ts";
import { Timekeeper } from "./timekeeper.ts";

/** The time before there is one: the record opens first, because it knows what the time cannot be. */
export interface Present {
  now(): Instant;
  follow(clock: Clock): void;
}

export function presentTime(): Present {
  let clock: Clock | undefined;
  return {
    now: () => clock?.now() ?? EARLIEST,
    follow: (found) => (clock = found),
  };
}

export interface TimeOptions {
  readonly site: Site;
  /** The clock of a demo village; absent where the machine tells the time. */
  readonly village?: Clock | undefined;
  readonly machine: Machine;
  readonly store: RecordStore;
  /** Follows the clock from here on. */
  readonly present: Present;
  readonly log: Logger;
}

/** The gateway's time, after its first look at the machine: nothing is stamped before. */
export async function openTime(options: TimeOptions): Promise<GatewayTime> {
  const { site, village, machine, store, present, log } = options;
  if (village) {
    present.follow(village);
    return villageTime(village);
  }
  const time = new Timekeeper({ machine, store, trust: site.clock.trust, folder: site.data, log });
  present.follow(time.clock);
  await time.look();
  return time;
}
