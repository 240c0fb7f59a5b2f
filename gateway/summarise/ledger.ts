import type { DatabaseSync } from "node:sqlite";
import {
  countedThrough,
  effectOf,
  type Discontinuity,
  type DiscontinuityKind,
  type Effect,
  type Resolution,
} from "../../domain/energy/continuity.ts";
import { standingAfter, type LineStart } from "../../domain/energy/line.ts";
import { FieldwattError, instant, type Instant, type StreamId } from "../../domain/model/index.ts";

/**
 * The continuity ledger: every discontinuity of every register, and what people said of it, oldest first. What stands
 * is what was said last; an undo is a line of its own.
 */
export interface LedgerEvent extends Discontinuity {
  readonly id: number;
  readonly stream: StreamId;
  /**
   * `open` waits for a person; `counted` went through without one (a roll-over, a single wrong value); `settled` stands
   * on a person's word; `gone` was explained by later data.
   */
  readonly state: "open" | "counted" | "settled" | "gone";
  readonly resolution?: Resolution;
  readonly effect?: Effect;
  readonly entries: readonly LedgerEntry[];
}

/**
 * What a line of the ledger says. `gone`: late data showed that there was no such event. `back`: it is there after all.
 */
export type Entry = "confirm" | "correct" | "undo" | "gone" | "back";

export interface LedgerEntry {
  readonly made: Instant;
  readonly by: string;
  readonly says: Entry;
  readonly resolution?: Resolution;
  /** Wh. */
  readonly effect?: number;
}

/** The most events that a page or a command shows. */
export const EVENTS_MAX = 500;

type Row = Readonly<Record<string, unknown>>;

function entryOf(row: Row): LedgerEntry {
  return {
    made: instant(Number(row.made)),
    by: String(row.by),
    says: String(row.says) as Entry,
    ...(row.resolution !== null && { resolution: JSON.parse(String(row.resolution)) as Resolution }),
    ...(row.effect !== null && { effect: Number(row.effect) }),
  };
}

function fromRow(db: DatabaseSync, row: Row): LedgerEvent {
  const id = Number(row.id);
  const entries = db
    .prepare("SELECT made, by, says, resolution, effect FROM continuity_entry WHERE event = ? ORDER BY id")
    .all(id)
    .map(entryOf);
  const event: Discontinuity = {
    kind: String(row.kind) as DiscontinuityKind,
    before: { time: instant(Number(row.before_time)), register: Number(row.before) },
    after: { time: instant(Number(row.at)), register: Number(row.after) },
    proposed: Number(row.proposed),
    ...(row.factor !== null && { factor: Number(row.factor) }),
  };
  const said = standingOf(entries);
  const resolution =
    said.resolution ?? (countedThrough(event.kind) ? ({ kind: "asProposed" } as const) : undefined);
  const effect = resolution && effectOf(event, resolution);
  const settled = said.resolution ? "settled" : resolution ? "counted" : "open";
  return {
    ...event,
    id,
    stream: String(row.stream) as StreamId,
    state: said.gone ? "gone" : settled,
    entries,
    ...(said.resolution && { resolution: said.resolution }),
    ...(typeof effect === "object" && !said.gone && { effect }),
  };
}

function standingOf(entries: readonly LedgerEntry[]): { resolution?: Resolution; gone: boolean } {
  let [resolution, gone]: [Resolution | undefined, boolean] = [undefined, false];
  for (const { says, resolution: told } of entries) {
    if (says === "confirm" || says === "correct") resolution = told ?? { kind: "asProposed" };
    if (says === "undo") resolution = undefined;
    if (says === "gone" || says === "back") gone = says === "gone";
  }
  return { gone, ...(resolution && { resolution }) };
}

/** The event with this number. @throws FieldwattError OPTION_INVALID where there is none */
export function eventOf(db: DatabaseSync, id: number): LedgerEvent {
  const row = db.prepare("SELECT * FROM continuity_event WHERE id = ?").get(id);
  if (!row) throw new FieldwattError("OPTION_INVALID", `The ledger has no event ${id}`);
  return fromRow(db, row);
}

export function ledgerEvent(
  db: DatabaseSync,
  { stream, at }: { readonly stream: StreamId; readonly at: Instant },
): LedgerEvent | undefined {
  const row = db.prepare("SELECT * FROM continuity_event WHERE stream = ? AND at = ?").get(stream, at);
  return row && fromRow(db, row);
}

/** The newest events first; those that wait for a person before all others. */
export function ledgerEvents(db: DatabaseSync, { limit = EVENTS_MAX } = {}): LedgerEvent[] {
  const rows = db.prepare("SELECT * FROM continuity_event ORDER BY at DESC, id DESC LIMIT ?").all(limit);
  const events = rows.map((row) => fromRow(db, row));
  return events.toSorted((a, b) => Number(b.state === "open") - Number(a.state === "open"));
}

/** What a line of this register needs to know: what people said, and how it stood at `from`. */
export function continuityOf(
  db: DatabaseSync,
  { stream, from }: { readonly stream: StreamId; readonly from: Instant },
): { readonly start: LineStart; readonly resolutions: ReadonlyMap<Instant, Resolution> } {
  const rows = db.prepare("SELECT * FROM continuity_event WHERE stream = ? ORDER BY at").all(stream);
  const events = rows.map((row) => fromRow(db, row)).filter(({ state }) => state !== "gone");
  const resolutions = new Map(
    events.flatMap((one) => (one.resolution ? [[one.after.time, one.resolution] as const] : [])),
  );
  const earlier = events.filter(({ after, kind }) => after.time <= from && !countedThrough(kind));
  return {
    resolutions,
    start: standingAfter(
      earlier.map((event) => ({ event, ...(event.resolution && { resolution: event.resolution }) })),
    ),
  };
}
