import type { DatabaseSync } from "node:sqlite";
import { memberId, type OfferId } from "../../domain/model/index.ts";
import { dropWaiting } from "../release/dropped.ts";

/** A member's wish that what is held about them here is deleted, with the numbers of what went. */
export interface Wish {
  readonly member: string;
  /** Who entered it: the member, or the operator. */
  readonly by: string;
  readonly now: number;
}

/** What went, for the member to read; counts only. */
export interface Gone {
  readonly readings: number;
  readonly quarterHours: number;
  readonly days: number;
  readonly summaries: number;
  /** Copies of what left; that it left, when and to whom stays. */
  readonly releases: number;
  readonly advice: number;
  /** What flows had said to the member; absent in a report from before there was any. */
  readonly alerts?: number;
}

export interface Forgetting {
  readonly id: number;
  readonly member: string;
  /** Devices that are only this member's. */
  readonly devices: readonly string[];
  readonly now: number;
}

export const forgetCommands = {
  /** Keeps the wish, and takes back every yes of the member: nothing more may leave. @returns its number */
  orderForgetting(db: DatabaseSync, { member, by, now }: Wish): number {
    const offers = db
      .prepare("SELECT DISTINCT offer FROM consent WHERE member = ? AND withdrawn IS NULL")
      .all(member);
    for (const { offer } of offers)
      dropWaiting(db, { member: memberId(member), offer: String(offer) as OfferId, time: now });
    db.prepare("UPDATE consent SET withdrawn = ? WHERE member = ? AND withdrawn IS NULL").run(now, member);
    const open = db.prepare("SELECT id FROM forgetting WHERE member = ? AND cleaned IS NULL").get(member);
    if (open) return Number(open.id);
    const { lastInsertRowid } = db
      .prepare("INSERT INTO forgetting (member, by, asked) VALUES (?, ?, ?)")
      .run(member, by, now);
    return Number(lastInsertRowid);
  },

  /** Deletes all of it in one transaction; every reading of the devices is in blocks. A second time finds nothing. */
  forgetMember(db: DatabaseSync, { id, member, devices, now }: Forgetting): Gone {
    const of = devices.map((device) => forgetDevice(db, device));
    const sum = (field: "readings" | "quarterHours" | "days"): number =>
      of.reduce((total, one) => total + one[field], 0);
    const gone = {
      ...{ readings: sum("readings"), quarterHours: sum("quarterHours"), days: sum("days") },
      summaries: forgetSummaries(db, member),
      releases: Number(
        db.prepare("UPDATE release SET item = '' WHERE member = ? AND item <> ''").run(member).changes,
      ),
      advice: Number(
        db
          .prepare(
            `UPDATE answer SET kind = 'forgotten', member = NULL, key = '', answer = '{"kind":"forgotten"}'
             WHERE member = ? AND kind = 'advice'`,
          )
          .run(member).changes,
      ),
      alerts: Number(db.prepare("DELETE FROM member_alert WHERE member = ?").run(member).changes),
    };
    db.prepare("UPDATE forgetting SET deleted = ?, report = ? WHERE id = ?").run(
      now,
      JSON.stringify(gone),
      id,
    );
    return gone;
  },

  /** Its bytes are gone from the files, too. */
  cleanedForgetting(db: DatabaseSync, { id, now }: { readonly id: number; readonly now: number }): void {
    db.prepare("UPDATE forgetting SET cleaned = ? WHERE id = ?").run(now, id);
  },
};

type OfDevice = Pick<Gone, "readings" | "quarterHours" | "days">;

function forgetDevice(db: DatabaseSync, device: string): OfDevice {
  const streams = [`${device}/`, `${device}0`] as const;
  const within = (column: string): string => `${column} >= ? AND ${column} < ?`;
  const run = (sql: string, ...values: (string | number)[]): number =>
    Number(db.prepare(sql).run(...values).changes);
  const number = "(SELECT id FROM device WHERE name = ?)";
  const readings = db
    .prepare(`SELECT coalesce(sum(readings), 0) AS n FROM block WHERE device = ${number}`)
    .get(device)?.n;
  for (const table of ["block", "touched", "quarantine"])
    run(`DELETE FROM ${table} WHERE device = ${number}`, device);
  const days = run(
    `DELETE FROM rollup WHERE stream IN (SELECT id FROM stream WHERE ${within("name")})`,
    ...streams,
  );
  const quarterHours = run(`DELETE FROM interval WHERE ${within("stream")}`, ...streams);
  run(`DELETE FROM interval_version WHERE ${within("stream")}`, ...streams);
  const events = `SELECT id FROM continuity_event WHERE ${within("stream")}`;
  run(`DELETE FROM continuity_entry WHERE event IN (${events})`, ...streams);
  run(`DELETE FROM continuity_event WHERE ${within("stream")}`, ...streams);
  run(`DELETE FROM undated WHERE ${within("stream")}`, ...streams);
  run("DELETE FROM reopened WHERE device = ?", device);
  return { readings: Number(readings), quarterHours, days };
}

/**
 * The member's summaries. A release names its summary: all of them name an empty one from now on, whose number is the
 * highest, so that no number behind a place in the egress log is ever given twice.
 */
function forgetSummaries(db: DatabaseSync, member: string): number {
  const empty = db
    .prepare(
      `INSERT INTO summary (kind, member, key, time, summary, decided)
       VALUES ('forgotten', ?1, (SELECT count(*) FROM summary WHERE kind = 'forgotten' AND member = ?1), 0, '{}', 2)`,
    )
    .run(member).lastInsertRowid;
  db.prepare("UPDATE release SET summary = ? WHERE member = ?").run(empty, member);
  db.prepare(
    "DELETE FROM summary_version WHERE summary IN (SELECT id FROM summary WHERE member = ? AND kind <> 'forgotten')",
  ).run(member);
  const gone = db.prepare("DELETE FROM summary WHERE member = ? AND kind <> 'forgotten'").run(member);
  return Number(gone.changes);
}
