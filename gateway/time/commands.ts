import type { DatabaseSync } from "node:sqlite";
import { FieldwattError, SLOT_MS, type Instant, type Quality } from "../../domain/model/index.ts";
import type { ClockSource, ClockStateName } from "./model.ts";

/** One change of the clock, as it is kept. `time` is on the gateway's line; before the first trust it is a lower bound. */
export interface ClockEvent {
  readonly boot: string;
  readonly uptime: number;
  readonly time: Instant;
  readonly state: ClockStateName;
  readonly source?: ClockSource;
  readonly because: string;
  /** By how many ms a time that was believed before was moved; positive: forwards. */
  readonly corrected?: number;
}

/** A reading that waits for its time. */
export interface UndatedReading {
  /** ms since boot. */
  readonly uptime: number;
  readonly stream: string;
  readonly value: number;
  readonly quality: Quality;
  /** The device's own stamp, where it gave one. */
  readonly own?: Instant;
}

/** About 100 MB; 50 values a second for eleven hours, or a village of 20 houses at 10 s for two days. */
export const UNDATED_MAX = 2_000_000;

/** Everything on the old line from `from` on was dated wrongly by `by` ms (negative: it lies in the future). */
export interface BackwardCorrection {
  readonly event: ClockEvent;
  readonly from: Instant;
  readonly by: number;
}

export interface Withdrawn {
  /** Summaries that had not left: they are made again. */
  readonly withdrawn: number;
  /** Summaries that had left already. */
  readonly left: number;
}

export const timeCommands = {
  noteClock(db: DatabaseSync, event: ClockEvent): void {
    note(db, event);
  },

  /** Throws RECORD_UNDATED_FULL, and keeps nothing, where more than `UNDATED_MAX` would wait. */
  keepUndated(
    db: DatabaseSync,
    { boot, readings }: { boot: string; readings: readonly UndatedReading[] },
  ): void {
    const waiting = Number(db.prepare("SELECT count(*) AS n FROM undated").get()?.["n"]);
    if (waiting + readings.length > UNDATED_MAX)
      throw new FieldwattError(
        "RECORD_UNDATED_FULL",
        `${waiting} readings wait for the time; no more are taken before the clock is set`,
      );
    const insert = db.prepare(
      "INSERT INTO undated (boot, uptime, stream, value, quality, own) VALUES (?, ?, ?, ?, ?, ?)",
    );
    for (const { uptime, stream, value, quality, own } of readings)
      insert.run(boot, uptime, stream, value, quality, own ?? null);
  },

  /** After the readings up to `through` of this boot are durable under their dates, or when the operator gives them up. */
  dropUndated(db: DatabaseSync, { boot, through }: { boot: string; through: number }): number {
    const sql = "DELETE FROM undated WHERE boot = ? AND id <= ?";
    return Number(db.prepare(sql).run(boot, through).changes);
  },

  /**
   * The clock was ahead. What was made of the wrong times and did not leave is withdrawn, also all that now lies in the
   * future: nobody can have measured it. The quarter hours since the last one that stands are closed anew; what left
   * stays as it is.
   */
  correctBackwards(db: DatabaseSync, { event, from, by }: BackwardCorrection): Withdrawn {
    note(db, event);
    const slot = slotBefore(Math.min(from, event.time));
    // Also what is not decided anew may have left in an earlier version.
    const gone = "EXISTS (SELECT 1 FROM release WHERE release.summary = summary.id)";
    const left = db.prepare(`SELECT count(*) AS n FROM summary WHERE time >= ? AND ${gone}`).get(slot);
    const withdrawn = db.prepare(`DELETE FROM summary WHERE time >= ? AND NOT ${gone}`).run(slot);
    db.prepare("DELETE FROM interval WHERE start >= ?").run(slot);
    const standing = db.prepare("SELECT max(start) AS last FROM interval").get()?.["last"];
    const again = Math.min(slotBefore(from + by), Number(standing ?? from + by) + SLOT_MS);
    const back = "UPDATE progress SET value = min(value, ?) WHERE";
    db.prepare(`${back} name IN ('energy', 'released') OR name LIKE 'farm %'`).run(again);
    return { withdrawn: Number(withdrawn.changes), left: Number(left?.["n"]) };
  },
};

const slotBefore = (time: number): number => Math.floor(time / SLOT_MS) * SLOT_MS;

function note(db: DatabaseSync, event: ClockEvent): void {
  const { boot, uptime, time, state, source, because, corrected } = event;
  db.prepare(
    "INSERT INTO clock_event (boot, uptime, time, state, source, because, corrected) VALUES (?, ?, ?, ?, ?, ?, ?)",
  ).run(boot, Math.round(uptime), time, state, source ?? null, because, corrected ?? null);
}
