import type { DatabaseSync } from "node:sqlite";
import { dayBounds, dayOf, HOUR_MS, instant, nextDay } from "../../../domain/model/index.ts";
import type { Series } from "../blocks/columns.ts";
import { prepare, utcDay, type Stretch } from "../blocks/rows.ts";
import type { RollUp } from "../readings.ts";
import { keptDays, quarterEdges, type KeptDay } from "./rows.ts";
import { HOLD_MS, rollUp } from "./stretch.ts";

/** Where readings come from that are not rolled up yet. */
export interface SeriesSource {
  series(stream: number, stretch: Stretch): Series;
  hasHot(stream: number, stretch: Stretch): boolean;
  extent(stream: number, stretch: Stretch): Stretch | undefined;
}

export interface Question {
  readonly db: DatabaseSync;
  readonly source: SeriesSource;
  readonly number: number;
  readonly zone: string;
  readonly span: Stretch;
}

/** The civil days that begin in the span. */
export function dayRollUps(question: Question): RollUp[] {
  return days(question)
    .filter(({ day }) => day.from >= question.span.from)
    .flatMap(({ day, kept }) =>
      kept ? [withoutQuarters(kept)] : computed(question, day, [day.from, day.to]),
    );
}

/** The quarter hours that begin in the span. */
export function quarterRollUps(question: Question): RollUp[] {
  const { span } = question;
  return days(question).flatMap(({ day, kept }) => {
    const quarters = kept?.quarters() ?? computed(question, day, quarterEdges(day));
    return quarters.filter(({ start }) => start >= span.from && start < span.to);
  });
}

const withoutQuarters = ({ quarters: _, ...day }: KeptDay): RollUp => day;

interface DayOfStream {
  readonly day: Stretch;
  /** Absent where it must be computed: not closed yet, or changed since. */
  readonly kept?: KeptDay;
}

function days({ db, source, number, zone, span }: Question): DayOfStream[] {
  const kept = keptDays(db, number, { from: span.from - LONGEST_DAY_MS, to: span.to });
  const changed = touchedDays(db, number);
  const bounds = civilDays(zone, extents(source.extent(number, span), [...kept.values()], span));
  return bounds.map((day) => {
    const known = kept.get(day.from);
    const fresh = known?.end === day.to && !isTouched(changed, day) && !source.hasHot(number, day);
    return fresh ? { day, kept: known } : { day };
  });
}

/** A civil day has at most 25 hours. */
const LONGEST_DAY_MS = 25 * HOUR_MS;

/** Readings may be retired where their roll-ups are kept: both count. */
function extents(
  readings: Stretch | undefined,
  kept: readonly KeptDay[],
  span: Stretch,
): Stretch | undefined {
  const within = kept.filter(({ start, end }) => end > span.from && start < span.to);
  const all = [
    ...(readings ? [readings] : []),
    ...within.map(({ start, end }) => ({ from: start, to: end })),
  ];
  if (all.length === 0) return undefined;
  return { from: Math.min(...all.map(({ from }) => from)), to: Math.max(...all.map(({ to }) => to)) };
}

function civilDays(zone: string, extent: Stretch | undefined): Stretch[] {
  const found: Stretch[] = [];
  if (!extent) return found;
  for (let day = dayOf(instant(extent.from), zone); ; day = nextDay(day)) {
    const { start, end } = dayBounds(day, zone);
    if (start >= extent.to) return found;
    found.push({ from: start, to: end });
  }
}

const touchedDays = (db: DatabaseSync, stream: number): number[] => {
  const sql = `SELECT day FROM touched JOIN device ON device.id = touched.device
    WHERE device.name = (SELECT substr(name, 1, instr(name || '/', '/') - 1) FROM stream WHERE id = ?)`;
  return prepare(db, sql)
    .all(stream)
    .map((row) => Number(row["day"]));
};

/** What came in just before a civil day stands into it. */
const isTouched = (changed: readonly number[], { from, to }: Stretch): boolean =>
  changed.some((day) => day >= utcDay(from - HOLD_MS) && day < to);

function computed({ source, number }: Question, day: Stretch, edges: readonly number[]): RollUp[] {
  return rollUp(source.series(number, { from: day.from - HOLD_MS, to: day.to }), edges);
}
