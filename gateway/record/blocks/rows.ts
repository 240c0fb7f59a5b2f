import type { DatabaseSync, StatementSync } from "node:sqlite";
import { damaged } from "./bytes.ts";
import { openBlock, type Block } from "./codec.ts";

/** The table of blocks. Every block lies within one UTC day, so that what overlaps a span begins at most a day earlier. */
export const DAY_MS = 86_400_000;

export const utcDay = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

export interface BlockHead {
  readonly id: number;
  readonly device: number;
  readonly first: number;
  readonly last: number;
  readonly readings: number;
  readonly first_frame: number;
  readonly last_frame: number;
}

export interface BlockRow extends BlockHead {
  readonly data: Uint8Array;
}

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** Prepares a statement once for each connection. */
export function prepare(db: DatabaseSync, sql: string): StatementSync {
  const statements = prepared.get(db) ?? new Map<string, StatementSync>();
  prepared.set(db, statements);
  const statement = statements.get(sql) ?? db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}

const HEAD = "id, device, first, last, readings, first_frame, last_frame";

export interface Stretch {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** A device's blocks with a reading in the stretch, in order of their first one. */
export function headsIn(db: DatabaseSync, device: number, { from, to }: Stretch): BlockHead[] {
  const sql = `SELECT ${HEAD} FROM block WHERE device = ? AND first > ? AND first < ? AND last >= ? ORDER BY first, id`;
  return prepare(db, sql).all(device, from - DAY_MS, to, from) as unknown as BlockHead[];
}

export function rowOf(db: DatabaseSync, id: number): BlockRow | undefined {
  return prepare(db, `SELECT ${HEAD}, data FROM block WHERE id = ?`).get(id) as unknown as
    BlockRow | undefined;
}

/** Throws RECORD_BLOCK_DAMAGED, also when the block is not the one that its row says. */
export function openRow(row: Pick<BlockRow, "device" | "readings" | "data">): Block {
  const block = openBlock(row.data);
  if (block.device !== row.device || block.readings !== row.readings)
    throw damaged("it belongs to another row");
  return block;
}

export function insertBlock(db: DatabaseSync, row: Omit<BlockRow, "id">): void {
  const sql =
    "INSERT INTO block (device, first, last, readings, first_frame, last_frame, data) VALUES (?, ?, ?, ?, ?, ?, ?)";
  const { device, first, last, readings, first_frame, last_frame, data } = row;
  prepare(db, sql).run(device, first, last, readings, first_frame, last_frame, data);
}

export function deleteBlock(db: DatabaseSync, id: number): void {
  prepare(db, "DELETE FROM block WHERE id = ?").run(id);
}

/** The device's number: of a name that is new, a new one. */
export function learnDevice(db: DatabaseSync, name: string): number {
  prepare(db, "INSERT INTO device (name) VALUES (?) ON CONFLICT (name) DO NOTHING").run(name);
  return Number(prepare(db, "SELECT id FROM device WHERE name = ?").get(name)?.["id"]);
}

export function deviceNumber(db: DatabaseSync, name: string): number | undefined {
  const row = prepare(db, "SELECT id FROM device WHERE name = ?").get(name);
  return row && Number(row["id"]);
}

export const deviceNumbers = (db: DatabaseSync): number[] =>
  prepare(db, "SELECT id FROM device ORDER BY id")
    .all()
    .map((row) => Number(row["id"]));

/** The device of `device/quantity/channel`. */
export const deviceNameOf = (stream: string): string =>
  stream.slice(0, Math.max(stream.indexOf("/"), 0)) || stream;

export function touch(db: DatabaseSync, device: number, day: number): void {
  prepare(db, "INSERT INTO touched (device, day) VALUES (?, ?) ON CONFLICT DO NOTHING").run(device, day);
}
