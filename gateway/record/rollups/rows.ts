import type { DatabaseSync } from "node:sqlite";
import { instant, SLOT_MS } from "../../../domain/model/index.ts";
import type { Series } from "../blocks/columns.ts";
import { prepare, type Stretch } from "../blocks/rows.ts";
import type { RollUp } from "../readings.ts";
import { decodeQuarters, encodeQuarters } from "./codec.ts";
import { rollUp } from "./stretch.ts";

/** A day of a stream with fewer readings keeps no quarter hours: computing them anew costs less than keeping them. */
export const QUARTERS_KEPT_FROM = 400;

/** Edges of the quarter hours of a stretch that begins at one. */
export function quarterEdges({ from, to }: Stretch): number[] {
  const edges: number[] = [];
  for (let edge = from; edge < to; edge += SLOT_MS) edges.push(edge);
  return [...edges, to];
}

/** Keeps the roll-up of one stream and civil day, or forgets it where nothing usable is there. */
export function saveRollUp(
  db: DatabaseSync,
  stream: number,
  { day, series }: { day: Stretch; series: Series },
): void {
  const [whole] = rollUp(series, [day.from, day.to]);
  if (!whole) {
    prepare(db, "DELETE FROM rollup WHERE stream = ? AND start = ?").run(stream, day.from);
    return;
  }
  const quarters =
    whole.count < QUARTERS_KEPT_FROM ? null : encodeQuarters(day.from, rollUp(series, quarterEdges(day)));
  const { first, last, min, max, mean, count, coverage } = whole;
  const sql = `INSERT OR REPLACE INTO rollup
    (stream, start, finish, first, last, min, max, mean, count, coverage, quarters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  prepare(db, sql).run(stream, day.from, day.to, first, last, min, max, mean, count, coverage, quarters);
}

/** Gives a kept day its quarter hours. */
export function keepQuarters(
  db: DatabaseSync,
  id: number,
  { day, series }: { day: Stretch; series: Series },
): void {
  const quarters = rollUp(series, quarterEdges(day));
  // An empty list is kept as one, so that the day is not asked for again.
  prepare(db, "UPDATE rollup SET quarters = ? WHERE id = ?").run(encodeQuarters(day.from, quarters), id);
}

export interface KeptDay extends RollUp {
  /** Undefined where they are to be computed anew. */
  readonly quarters: () => RollUp[] | undefined;
}

/** The days of a stream that begin in the stretch. */
export function keptDays(db: DatabaseSync, stream: number, { from, to }: Stretch): Map<number, KeptDay> {
  const rows = prepare(db, "SELECT * FROM rollup WHERE stream = ? AND start >= ? AND start < ?").all(
    stream,
    from,
    to,
  );
  return new Map(rows.map((row) => [Number(row["start"]), dayOfRow(row)]));
}

function dayOfRow(row: Record<string, unknown>): KeptDay {
  const { quarters } = row;
  const start = Number(row["start"]);
  const value = (name: string): number => Number(row[name]);
  return {
    start: instant(start),
    end: instant(value("finish")),
    first: value("first"),
    last: value("last"),
    min: value("min"),
    max: value("max"),
    mean: value("mean"),
    count: value("count"),
    coverage: value("coverage"),
    quarters: () => (quarters instanceof Uint8Array ? decodeQuarters(start, quarters) : undefined),
  };
}
