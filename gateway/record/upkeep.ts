import type { DatabaseSync } from "node:sqlite";
import { dayBounds, dayOf, HOUR_MS, instant, nextDay, type Instant } from "../../domain/model/index.ts";
import { DAY_MS, prepare, type Stretch } from "./blocks/rows.ts";
import { HOLD_MS } from "./rollups/stretch.ts";
import { newestBlock, type DeviceDay, type upkeepCommands } from "./upkeep-commands.ts";

/**
 * What the record does with days that are over: puts their blocks together and rolls them up, again when late data
 * arrive. The list of these days is in the record itself, so that a restart goes on where it was.
 */

/** A civil day is closed when it has been over for this long: its last hour is packed by then. */
export const CLOSED_AFTER_MS = 2 * HOUR_MS;
/** Days of one device done in one pass. */
const DAYS_A_PASS = 200;

type Upkeep = typeof upkeepCommands;

export interface UpkeepOptions {
  readonly store: {
    readonly read: DatabaseSync;
    run<Name extends keyof Upkeep>(
      name: Name,
      input: Parameters<Upkeep[Name]>[1],
    ): Promise<ReturnType<Upkeep[Name]>>;
  };
  readonly timeZone: string;
}

/** @returns days that are done now */
export async function keepDays({ store, timeZone }: UpkeepOptions, now: Instant): Promise<number> {
  const rows = prepare(store.read, "SELECT device, day FROM touched ORDER BY day LIMIT ?").all(DAYS_A_PASS);
  let done = 0;
  for (const row of rows) {
    const day = { device: Number(row["device"]), day: Number(row["day"]) };
    const civil = civilDaysOf(day.day, timeZone);
    const [last] = civil.slice(-1);
    if (!last || last.to + CLOSED_AFTER_MS > now) continue;
    if (await keepDay(store, day, [...civil, ...closedNext(last, timeZone, now)])) done++;
  }
  return done;
}

async function keepDay(
  store: UpkeepOptions["store"],
  day: DeviceDay,
  civil: readonly Stretch[],
): Promise<boolean> {
  while (await store.run("compactDay", day));
  const newest = newestBlock(store.read, day);
  for (const { from, to } of civil) {
    let after: number | undefined = -1;
    while (after !== undefined) after = await store.run("rollUpDay", { device: day.device, from, to, after });
  }
  return store.run("settleDay", { ...day, newest });
}

/** The civil days that a UTC day lies in. */
export function civilDaysOf(day: number, timeZone: string): Stretch[] {
  const days: Stretch[] = [];
  for (let name = dayOf(instant(day), timeZone); ; name = nextDay(name)) {
    const { start, end } = dayBounds(name, timeZone);
    if (start >= day + DAY_MS) return days;
    days.push({ from: start, to: end });
  }
}

/** What came in at the end of a day stands into the next one, which may be rolled up already. */
function closedNext({ to }: Stretch, timeZone: string, now: Instant): Stretch[] {
  const { start, end } = dayBounds(dayOf(instant(to), timeZone), timeZone);
  return start - HOLD_MS < to && end + CLOSED_AFTER_MS <= now ? [{ from: start, to: end }] : [];
}
