import type { DatabaseSync } from "node:sqlite";
import {
  dayBounds,
  dayOf,
  HOUR_MS,
  instant,
  messageOf,
  nextDay,
  toIso,
  type Clock,
  type Instant,
} from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { DAY_MS, prepare, type Stretch } from "./blocks/rows.ts";
import type { Readings } from "./readings.ts";
import { STREAM_CLASSES, type StreamClass } from "./retention/classes.ts";
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

/** Between two looks, ms of the village's clock. */
const EVERY_MS = 5 * 60_000;

export interface UpkeepLoop extends UpkeepOptions {
  readonly store: UpkeepOptions["store"] & { readonly readings: Pick<Readings, "rest"> };
  /** How long readings of a class are kept, ms; a class that is absent is kept for ever. */
  readonly retention: Readonly<Partial<Record<StreamClass, number>>>;
  /** Members with farm days. */
  readonly farms: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Keeps the record's days in order until the signal aborts. A fault is logged, and tried again at the next look. */
export async function keepRecord(loop: UpkeepLoop): Promise<void> {
  const { clock, log, signal } = loop;
  while (!signal.aborted) {
    try {
      if (clock.trusted()) {
        while ((await keepDays(loop, clock.now())) === DAYS_A_PASS) continue;
        await retireAll(loop);
      }
    } catch (error) {
      if (!signal.aborted)
        log.warn({ because: messageOf(error) }, "the record's days wait to be put together");
    }
    // A start reads hours back, and a page years: both are done with soon.
    loop.store.readings.rest();
    await clock.sleep(EVERY_MS, signal);
  }
}

async function retireAll({
  store,
  retention,
  farms,
  clock,
  log,
  signal,
  timeZone,
}: UpkeepLoop): Promise<void> {
  for (const name of STREAM_CLASSES) {
    const keptFor = retention[name];
    if (keptFor === undefined) continue;
    const before = dayBounds(dayOf(instant(clock.now() - keptFor), timeZone), timeZone).start;
    let readings = 0;
    for (let more = true; more && !signal.aborted;) {
      const step = await store.run("retireStep", { class: name, before, farms });
      readings += step.readings;
      more = step.more;
    }
    if (readings > 0)
      log.info(
        { class: name, readings, before: toIso(before) },
        "readings were deleted, as the site file says",
      );
  }
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
