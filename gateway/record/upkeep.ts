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
  const rows = prepare(store.read, "SELECT device, day FROM touched ORDER BY device, day LIMIT ?").all(
    DAYS_A_PASS,
  );
  const closed = rows
    .map((row) => ({ device: Number(row["device"]), day: Number(row["day"]) }))
    .filter(({ day }) => Number(civilDaysOf(day, timeZone).at(-1)?.to) + CLOSED_AFTER_MS <= now);
  let done = 0;
  for (const [device, days] of Map.groupBy(closed, (day) => day.device))
    done += await keepDevice(store, device, { days, timeZone, now });
  return done;
}

interface Closed {
  readonly days: readonly DeviceDay[];
  readonly timeZone: string;
  readonly now: Instant;
}

async function keepDevice(
  store: UpkeepOptions["store"],
  device: number,
  { days, timeZone, now }: Closed,
): Promise<number> {
  const civil = new Map<number, Stretch>();
  const newest = new Map<DeviceDay, number>();
  for (const day of days) {
    while (await store.run("compactDay", day));
    newest.set(day, newestBlock(store.read, day));
    for (const stretch of standingDays(day.day, timeZone, now)) civil.set(stretch.from, stretch);
  }
  for (const { from, to } of civil.values()) {
    let after: number | undefined = -1;
    while (after !== undefined) after = await store.run("rollUpDay", { device, from, to, after });
  }
  let done = 0;
  for (const day of days) if (await store.run("settleDay", { ...day, newest: newest.get(day) ?? 0 })) done++;
  return done;
}

/** The closed civil days for which readings of a UTC day stand: also the next one, for what came in just before it. */
function standingDays(day: number, timeZone: string, now: Instant): Stretch[] {
  const last = day + DAY_MS + HOLD_MS - 1;
  const next = dayBounds(dayOf(instant(last), timeZone), timeZone);
  const days = civilDaysOf(day, timeZone);
  if (next.start === days.at(-1)?.from || next.end + CLOSED_AFTER_MS > now) return days;
  return [...days, { from: next.start, to: next.end }];
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
