import type { DatabaseSync } from "node:sqlite";
import type { Series } from "../blocks/columns.ts";
import { merge, cut } from "../blocks/merge.ts";
import { readable, writeBlock } from "../blocks/pack.ts";
import {
  deleteBlock,
  deviceNumbers,
  headsIn,
  prepare,
  type BlockHead,
  type Stretch,
} from "../blocks/rows.ts";
import { progressOf } from "../progress.ts";
import { seriesIn } from "../rollups/day.ts";
import { keepQuarters } from "../rollups/rows.ts";
import { HOLD_MS } from "../rollups/stretch.ts";
import { classOf, retiredProgress, type StreamClass } from "./classes.ts";
import { retentionLimit } from "./guard.ts";

/** Blocks and roll-ups of one transaction: commits wait for no longer than these take. */
const BLOCKS_A_STEP = 20;
const DAYS_A_STEP = 20;

export interface Retirement {
  readonly class: StreamClass;
  /** Readings before this time may go; what is not summarised, receipted and rolled up stays all the same. */
  readonly before: number;
  /** Members with farm days: each must be summarised before weather and soil may go. */
  readonly farms: readonly string[];
}

export interface Retired {
  /** Readings deleted in this step. */
  readonly readings: number;
  readonly more: boolean;
}

/**
 * One step of deleting the readings of a class. Their roll-ups stay; a day that kept no quarter hours gets them first.
 * The caller holds the transaction.
 */
export function retireStep(db: DatabaseSync, { class: name, before, farms }: Retirement): Retired {
  const through = Math.min(before, retentionLimit(db, name, farms));
  const streams = streamsOf(db, name);
  if (!Number.isFinite(through) || streams.size === 0) return { readings: 0, more: false };
  if (keepMissingQuarters(db, streams, through)) return { readings: 0, more: true };
  // Before anything goes: late data must not roll these days up anew from what is left of them.
  count(db, name, { through, readings: 0 });
  const done = progressOf(db, retiredProgress(name)) ?? -Infinity;
  const heads = nextBlocks(db, streams, { from: done, to: through });
  const readings = heads.reduce((sum, head) => sum + shorten(db, head, { streams, through }), 0);
  count(db, name, { through, readings });
  const more = heads.length === BLOCKS_A_STEP;
  if (!more) saveProgress(db, retiredProgress(name), Math.max(done, through));
  return { readings, more };
}

function saveProgress(db: DatabaseSync, name: string, value: number): void {
  const sql =
    "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
  prepare(db, sql).run(name, value);
}

function streamsOf(db: DatabaseSync, name: StreamClass): Set<number> {
  const rows = prepare(db, "SELECT id, name FROM stream").all();
  return new Set(rows.filter((row) => classOf(String(row["name"])) === name).map((row) => Number(row["id"])));
}

/** Readings of a day that has too few to keep quarter hours are all that they could be computed from. */
function keepMissingQuarters(db: DatabaseSync, streams: ReadonlySet<number>, through: number): boolean {
  const sql = `SELECT rollup.id, stream, start, finish, device.id AS device FROM rollup
    JOIN stream ON stream.id = rollup.stream
    JOIN device ON device.name = substr(stream.name, 1, instr(stream.name, '/') - 1)
    WHERE quarters IS NULL AND start < ? ORDER BY start`;
  const rows = prepare(db, sql)
    .all(through)
    .filter((row) => streams.has(Number(row["stream"])))
    .slice(0, DAYS_A_STEP);
  for (const row of rows) {
    const day = { from: Number(row["start"]), to: Number(row["finish"]) };
    const stretch = { from: day.from - HOLD_MS, to: day.to };
    const blocks = headsIn(db, Number(row["device"]), stretch).flatMap(({ id }) => readable(db, id));
    keepQuarters(db, Number(row["id"]), { day, series: seriesIn(blocks, Number(row["stream"]), stretch) });
  }
  return rows.length > 0;
}

/** Blocks that hold something to delete, the oldest first. */
function nextBlocks(db: DatabaseSync, streams: ReadonlySet<number>, stretch: Stretch): BlockHead[] {
  const found: BlockHead[] = [];
  for (const device of deviceNumbers(db)) {
    for (const head of headsIn(db, device, stretch)) {
      if (found.length === BLOCKS_A_STEP) return found;
      const [block] = readable(db, head.id);
      const due = block?.streams.some(
        (id) => streams.has(id) && Number(block.series(id)?.times[0]) < stretch.to,
      );
      if (due) found.push(head);
    }
  }
  return found;
}

/** @returns readings deleted */
function shorten(
  db: DatabaseSync,
  head: BlockHead,
  { streams, through }: { readonly streams: ReadonlySet<number>; readonly through: number },
): number {
  const [block] = readable(db, head.id);
  if (!block) return 0;
  const kept = new Map<number, Series>();
  let left = 0;
  for (const id of block.streams) {
    const series = block.series(id);
    const from = streams.has(id) ? through : -Infinity;
    const piece = series && cut(series, { from, to: Infinity });
    if (piece) kept.set(id, merge([piece]));
    left += piece ? piece.end - piece.start : 0;
  }
  deleteBlock(db, head.id);
  const frames = { firstFrame: head.first_frame, lastFrame: head.last_frame };
  if (kept.size > 0) writeBlock(db, { device: head.device, streams: kept, frames });
  return head.readings - left;
}

function count(
  db: DatabaseSync,
  name: StreamClass,
  { through, readings }: { through: number; readings: number },
): void {
  const sql = `INSERT INTO retired (class, through, readings) VALUES (?, ?, ?) ON CONFLICT (class) DO UPDATE SET
    through = max(through, excluded.through), readings = readings + excluded.readings`;
  prepare(db, sql).run(name, through, readings);
}
