import type { DatabaseSync } from "node:sqlite";
import { instant, type Instant } from "../../domain/model/index.ts";
import { progressOf } from "../record/progress.ts";
import type { RecordStore } from "../record/store.ts";
import type { ClockEvent } from "./commands.ts";
import { EARLIEST } from "./evidence.ts";
import { timeAt, type Anchor, type ClockModel, type ClockSource, type ClockStateName } from "./model.ts";

/** What the record knows of the clock. */
const EVENTS_SHOWN = 50;

/** The newest changes of the clock, newest first. */
export function clockEvents(db: DatabaseSync, limit: number = EVENTS_SHOWN): ClockEvent[] {
  const sql = `SELECT boot, uptime, time, state, source, because, corrected FROM clock_event ORDER BY id DESC LIMIT ?`;
  return db.prepare(sql).all(limit).map(toEvent);
}

const toEvent = (row: Record<string, unknown>): ClockEvent => ({
  boot: String(row["boot"]),
  uptime: Number(row["uptime"]),
  time: instant(Number(row["time"])),
  state: String(row["state"]) as ClockStateName,
  ...(row["source"] !== null && { source: String(row["source"]) as ClockSource }),
  because: String(row["because"]),
  ...(row["corrected"] !== null && { corrected: Number(row["corrected"]) }),
});

/** The first anchor of a boot, by which its undated readings are dated, or the newest, by which its time goes on. */
export function anchorOfBoot(
  db: DatabaseSync,
  boot: string,
  which: "first" | "newest",
): (Anchor & { readonly source: ClockSource }) | undefined {
  const order = which === "first" ? "ASC" : "DESC";
  const sql = `SELECT uptime, time, source FROM clock_event WHERE boot = ? AND state <> 'unset'
    ORDER BY id ${order} LIMIT 1`;
  const row = db.prepare(sql).get(boot);
  return (
    row && {
      uptime: Number(row["uptime"]),
      time: instant(Number(row["time"])),
      source: String(row["source"] ?? "system") as ClockSource,
    }
  );
}

/** Boots whose time is known and of which readings still wait: the program was killed while it dated them. */
export const datableBoots = (db: DatabaseSync): string[] =>
  db
    .prepare(
      `SELECT DISTINCT boot FROM undated
       WHERE boot IN (SELECT boot FROM clock_event WHERE state <> 'unset')`,
    )
    .all()
    .map((row) => String(row["boot"]));

/**
 * The newest time that the record holds: it is later than that now, whatever the machine's clock says. What was
 * written by a clock that later proved to be ahead does not count.
 */
export function newestEntry({ read: db, readings }: Pick<RecordStore, "read" | "readings">): Instant {
  const ahead = db.prepare("SELECT id, time, corrected FROM clock_event WHERE corrected < 0").all();
  const since = Number(ahead.at(-1)?.["id"] ?? 0);
  const wrong = (time: number): boolean =>
    ahead.some((row) => time > Number(row["time"]) && time <= Number(row["time"]) - Number(row["corrected"]));
  const times = [
    db.prepare("SELECT max(time) AS time FROM clock_event WHERE id >= ?").get(since),
    db.prepare("SELECT released AS time FROM release ORDER BY sequence DESC LIMIT 1").get(),
  ].map((row) => Number(row?.["time"] ?? 0));
  // What is newer than the last summary is little: no need to look at the years before.
  const newer = Math.max(EARLIEST, progressOf(db, "energy") ?? 0);
  for (const { time } of readings.latest({ since: instant(newer) })) times.push(time);
  return instant(Math.max(EARLIEST, ...times.filter((time) => !wrong(time))));
}

/** A change as it is kept; `or` stands in for the time while there is none. */
export function eventOf(
  model: ClockModel,
  { boot, uptime, or }: { boot: string; uptime: number; or: Instant },
): ClockEvent {
  const { state, source, because } = model;
  return { boot, uptime, time: timeAt(model, uptime) ?? or, state, because, ...(source && { source }) };
}

/** Where the time was last moved forwards: nothing is drawn from before it to after it. */
export function lastLeap(db: DatabaseSync): Instant | undefined {
  const sql = "SELECT time FROM clock_event WHERE corrected > 0 ORDER BY id DESC LIMIT 1";
  const row = db.prepare(sql).get();
  return row && instant(Number(row["time"]));
}
