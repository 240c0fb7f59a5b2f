import type { DatabaseSync } from "node:sqlite";
import { effectOf, type Discontinuity, type Resolution } from "../../domain/energy/continuity.ts";
import { FieldwattError, type StreamId } from "../../domain/model/index.ts";
import { eventOf, ledgerEvent, type LedgerEvent } from "./ledger.ts";

/** The discontinuities that a look at some stretches of registers found. */
export interface FoundEvents {
  /** The gateway's time. */
  readonly now: number;
  readonly found: readonly { readonly stream: StreamId; readonly event: Discontinuity }[];
  /** Stretches of registers of which `found` tells everything: what the ledger has there besides was explained. */
  readonly looked: readonly { readonly stream: StreamId; readonly from: number; readonly to: number }[];
}

/** What a person says of an event; nothing of the ledger is ever rewritten, it only grows. */
export interface Saying {
  readonly event: number;
  readonly by: string;
  readonly now: number;
  readonly says: "confirm" | "correct" | "undo";
  readonly resolution?: Resolution;
}

const ADD_ENTRY = `INSERT INTO continuity_entry (event, made, by, says, resolution, effect) VALUES (?, ?, ?, ?, ?, ?)`;
/** The gateway's own name in the ledger. */
const ITSELF = "gateway";

export function keepEvents(db: DatabaseSync, { now, found, looked }: FoundEvents): void {
  const insert = db.prepare(
    `INSERT INTO continuity_event (stream, at, kind, before_time, before, after, factor, proposed, found)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, at) DO UPDATE SET kind = excluded.kind,
       before_time = excluded.before_time, before = excluded.before, after = excluded.after, factor = excluded.factor,
       proposed = excluded.proposed`,
  );
  const entry = db.prepare(ADD_ENTRY);
  const seen = new Set<string>();
  for (const { stream, event } of found) {
    const { kind, before, after, factor, proposed } = event;
    insert.run(
      ...[stream, after.time, kind, before.time, before.register, after.register, factor ?? null],
      ...[proposed, now],
    );
    seen.add(`${stream} ${after.time}`);
    const known = ledgerEvent(db, { stream, at: after.time });
    if (known?.state === "gone") entry.run(known.id, now, ITSELF, "back", null, null);
  }
  const within = db.prepare("SELECT id, at FROM continuity_event WHERE stream = ? AND at > ? AND at <= ?");
  for (const { stream, from, to } of looked) {
    for (const { id, at } of within.all(stream, from, to)) {
      if (seen.has(`${stream} ${String(at)}`) || eventOf(db, Number(id)).state === "gone") continue;
      entry.run(Number(id), now, ITSELF, "gone", null, null);
    }
  }
}

export const ledgerCommands = {
  /**
   * Adds what a person says of an event, and marks what it touches to be looked at again.
   * @throws FieldwattError OPTION_INVALID where it cannot be
   */
  sayContinuity(db: DatabaseSync, { event: id, by, now, says, resolution }: Saying): void {
    const event = eventOf(db, id);
    const effect = resolution && effectOf(event, resolution);
    if (typeof effect === "string") throw new FieldwattError("OPTION_INVALID", `Event ${id}: ${effect}`);
    if (says === "undo" && event.resolution === undefined)
      throw new FieldwattError(
        "OPTION_INVALID",
        `Event ${id}: nobody has settled it, so there is nothing to undo`,
      );
    if (event.state === "gone")
      throw new FieldwattError("OPTION_INVALID", `Event ${id}: later data has explained it`);
    const told = resolution === undefined ? null : JSON.stringify(resolution);
    db.prepare(ADD_ENTRY).run(id, now, by, says, told, effect?.wattHours ?? null);
    // It is due at once: touched 0.
    db.prepare(
      `INSERT INTO reopened (device, "from", "to", touched) VALUES (?, ?, ?, 0) ON CONFLICT (device) DO UPDATE SET
         "from" = min("from", excluded."from"), "to" = max("to", excluded."to"), touched = 0`,
    ).run(
      event.stream.split("/")[0] ?? "",
      event.before.time,
      changesUnit(event) || (effect?.factor ?? 1) !== 1 ? now : event.after.time,
    );
  },
};

/** A change of unit touches everything since. */
const changesUnit = ({ kind, effect }: LedgerEvent): boolean =>
  kind === "scale" || (effect?.factor ?? 1) !== 1;
