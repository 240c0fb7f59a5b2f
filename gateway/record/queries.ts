import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  instant,
  type Instant,
  type Quality,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import { QUALITIES } from "./messages.ts";

/** Reading from the record. Every function takes the connection to read with; statements are prepared once for each. */

/** The most readings that one query gives: 10 s values of one stream for eight weeks. */
export const READINGS_PER_QUERY_MAX = 500_000;

export interface Span {
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

function prepare(db: DatabaseSync, sql: string): StatementSync {
  const statements = prepared.get(db) ?? new Map<string, StatementSync>();
  prepared.set(db, statements);
  const statement = statements.get(sql) ?? db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}

interface Row {
  readonly time: number;
  readonly value: number;
  readonly quality: number;
}

const toReading = (stream: StreamId, { time, value, quality }: Row): Reading => ({
  stream,
  time: instant(time),
  value,
  quality: qualityOf(quality),
});

function qualityOf(code: number): Quality {
  const quality = QUALITIES[code];
  if (quality === undefined) throw new RangeError(`the record holds the unknown quality ${code}`);
  return quality;
}

function rowid(db: DatabaseSync, stream: StreamId): number | undefined {
  const id = prepare(db, "SELECT id FROM stream WHERE name = ?").get(stream)?.["id"];
  return id === undefined ? undefined : Number(id);
}

/** One stream's readings in time order. Throws RangeError for more than `READINGS_PER_QUERY_MAX`. */
export function readingsBetween(db: DatabaseSync, stream: StreamId, { from, to }: Span): Reading[] {
  const id = rowid(db, stream);
  if (id === undefined) return [];
  const sql =
    "SELECT time, value, quality FROM reading WHERE time >= ? AND time < ? AND stream = ? ORDER BY time LIMIT ?";
  const rows = prepare(db, sql).all(from, to, id, READINGS_PER_QUERY_MAX + 1) as unknown as Row[];
  refuseTooMany(rows.length);
  return rows.map((row) => toReading(stream, row));
}

/**
 * The readings of all streams, each in time order. One pass over the span: for many streams much cheaper than
 * `readingsBetween` for each, because the record lies in order of time. Throws RangeError as above.
 */
export function readingsByStream(db: DatabaseSync, { from, to }: Span): Map<StreamId, Reading[]> {
  const names = new Map<number, Reading[]>();
  const found = new Map<StreamId, Reading[]>();
  const sql =
    "SELECT stream, time, value, quality FROM reading WHERE time >= ? AND time < ? ORDER BY time LIMIT ?";
  const rows = prepare(db, sql).all(from, to, READINGS_PER_QUERY_MAX + 1) as unknown as (Row & {
    stream: number;
  })[];
  refuseTooMany(rows.length);
  for (const row of rows) {
    const readings = names.get(row.stream) ?? [];
    if (readings.length === 0) {
      names.set(row.stream, readings);
      found.set(nameOf(db, row.stream), readings);
    }
    readings.push(toReading(readings[0]?.stream ?? nameOf(db, row.stream), row));
  }
  return found;
}

function refuseTooMany(rows: number): void {
  if (rows > READINGS_PER_QUERY_MAX)
    throw new RangeError(`more than ${READINGS_PER_QUERY_MAX} readings in the span`);
}

const nameOf = (db: DatabaseSync, id: number): StreamId =>
  String(prepare(db, "SELECT name FROM stream WHERE id = ?").get(id)?.["name"]) as StreamId;

/** The stream's last reading before `time`, not older than `within` ms; undefined where there is none. */
export function lastReadingBefore(
  db: DatabaseSync,
  stream: StreamId,
  time: Instant,
  { within }: { readonly within: number },
): Reading | undefined {
  const id = rowid(db, stream);
  if (id === undefined) return undefined;
  const sql =
    "SELECT time, value, quality FROM reading WHERE time >= ? AND time < ? AND stream = ? ORDER BY time DESC LIMIT 1";
  const row = prepare(db, sql).get(time - within, time, id) as unknown as Row | undefined;
  return row && toReading(stream, row);
}

/** Reads the whole table: for checks and tests, not for a page. */
export const countReadings = (db: DatabaseSync): number =>
  Number(prepare(db, "SELECT count(*) AS readings FROM reading").get()?.["readings"]);

/** The newest reading of each stream that has one since `since`, in the order of the streams' names. */
export function latestReadings(db: DatabaseSync, { since }: { readonly since: Instant }): Reading[] {
  // SQLite takes the other columns from the row that holds the maximum (sqlite.org/lang_select.html#bareagg).
  const sql = `
    SELECT name, max(time) AS time, value, quality FROM reading JOIN stream ON stream.id = reading.stream
    WHERE time >= ? GROUP BY reading.stream ORDER BY name LIMIT ?`;
  const rows = prepare(db, sql).all(since, READINGS_PER_QUERY_MAX) as unknown as (Row & { name: StreamId })[];
  return rows.map((row) => toReading(row.name, row));
}
