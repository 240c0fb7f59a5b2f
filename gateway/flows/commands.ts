import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../domain/model/index.ts";

/** What flows leave in the record: ids of what they wrote, what was switched and by whom, overrides and alerts. */

/** One value set of a flow: the id is the flow's own, the time what the gateway gives it where none is known yet. */
export interface WriteId {
  readonly device: string;
  readonly id: string;
  readonly time: Instant;
}

export interface ActuatorEvent {
  readonly time: Instant;
  readonly actuator: string;
  readonly wanted: "on" | "off";
  readonly outcome: "switched" | "refused" | "failed";
  /** A word of `interlocks.ts`, or what the wire said. */
  readonly because: string;
  readonly by: string;
}

export type Override = "on" | "off";

export interface FlowAlert {
  readonly key: string;
  readonly time: Instant;
  readonly severity: "info" | "warning" | "alarm";
  readonly text: string;
  readonly by: string;
  /** How many short messages were sent of it; absent where none was asked for. */
  readonly sms?: string;
}

/** A repetition that comes later than this is a new value, ms. */
const ID_KEPT_MS = 7 * 86_400_000;
const IDS_DROPPED_AT_ONCE = 2_000;
const EVENTS_KEPT = 20_000;
const ALERTS_KEPT = 2_000;

export const flowCommands = {
  /** The time of each id: the one that it had at its first coming. In the order given. */
  keepWriteIds(
    db: DatabaseSync,
    { ids, now }: { ids: readonly WriteId[]; now: Instant },
  ): readonly Instant[] {
    db.prepare(
      "DELETE FROM flow_write WHERE rowid IN (SELECT rowid FROM flow_write WHERE kept < ? LIMIT ?)",
    ).run(now - ID_KEPT_MS, IDS_DROPPED_AT_ONCE);
    const sql = `INSERT INTO flow_write (device, id, time, kept) VALUES (?, ?, ?, ?)
      ON CONFLICT (device, id) DO UPDATE SET kept = excluded.kept RETURNING time`;
    const keep = db.prepare(sql);
    return ids.map(({ device, id, time }) => Number(keep.get(device, id, time, now)?.time) as Instant);
  },

  keepActuatorEvent(db: DatabaseSync, { time, actuator, wanted, outcome, because, by }: ActuatorEvent): void {
    db.prepare(
      "INSERT INTO actuator_event (time, actuator, wanted, outcome, because, by) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(time, actuator, wanted, outcome, because, by);
    db.prepare("DELETE FROM actuator_event WHERE id <= (SELECT max(id) FROM actuator_event) - ?").run(
      EVENTS_KEPT,
    );
  },

  /** A person's word stands until a person takes it back, also over a restart. */
  setOverride(
    db: DatabaseSync,
    { actuator, state }: { actuator: string; state: Override | undefined },
  ): void {
    if (state === undefined) db.prepare("DELETE FROM actuator_override WHERE actuator = ?").run(actuator);
    else
      db.prepare(
        "INSERT INTO actuator_override (actuator, state) VALUES (?, ?) ON CONFLICT (actuator) DO UPDATE SET state = excluded.state",
      ).run(actuator, state);
  },

  /** One alert a key: what comes again under it takes the place of what was said before. */
  keepAlert(db: DatabaseSync, { key, time, severity, text, by, sms }: FlowAlert): void {
    db.prepare("DELETE FROM flow_alert WHERE key = ?").run(key);
    db.prepare("INSERT INTO flow_alert (key, time, severity, text, by, sms) VALUES (?, ?, ?, ?, ?, ?)").run(
      key,
      time,
      severity,
      text,
      by,
      sms ?? null,
    );
    db.prepare("DELETE FROM flow_alert WHERE id <= (SELECT max(id) FROM flow_alert) - ?").run(ALERTS_KEPT);
  },

  dropAlert(db: DatabaseSync, { key }: { key: string }): void {
    db.prepare("DELETE FROM flow_alert WHERE key = ?").run(key);
  },
};

export const overridesOf = (db: DatabaseSync): ReadonlyMap<string, Override> =>
  new Map(
    db
      .prepare("SELECT actuator, state FROM actuator_override")
      .all()
      .map((row) => [String(row.actuator), row.state === "on" ? "on" : "off"]),
  );

/** The newest of one actuator, or of all, newest first. */
export function actuatorEvents(
  db: DatabaseSync,
  { actuator, limit }: { readonly actuator?: string; readonly limit: number },
): readonly ActuatorEvent[] {
  const where = actuator === undefined ? "" : "WHERE actuator = ?2";
  const rows = db
    .prepare(`SELECT * FROM actuator_event ${where} ORDER BY id DESC LIMIT ?1`)
    .all(limit, ...(actuator === undefined ? [] : [actuator]));
  return rows.map((row) => ({
    time: Number(row.time) as Instant,
    actuator: String(row.actuator),
    wanted: row.wanted === "on" ? "on" : "off",
    outcome: row.outcome === "switched" ? "switched" : row.outcome === "failed" ? "failed" : "refused",
    because: String(row.because),
    by: String(row.by),
  }));
}

export const severityOf = (word: unknown): FlowAlert["severity"] =>
  word === "alarm" || word === "warning" ? word : "info";

/** Newest first. */
export const alertsOf = (db: DatabaseSync, limit: number): readonly FlowAlert[] =>
  db
    .prepare("SELECT * FROM flow_alert ORDER BY id DESC LIMIT ?")
    .all(limit)
    .map((row) => ({
      key: String(row.key),
      time: Number(row.time) as Instant,
      severity: severityOf(row.severity),
      text: String(row.text),
      by: String(row.by),
      ...(row.sms !== null && { sms: String(row.sms) }),
    }));
