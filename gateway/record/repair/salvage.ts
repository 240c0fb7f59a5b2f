import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { FieldwattError, instant, messageOf, toIso } from "../../../domain/model/index.ts";
import { migrate } from "../migrate.ts";
import { migrations } from "../migrations.ts";
import { JOURNAL_FOLDER } from "../reader.ts";
import { transact } from "../transact.ts";
import { copyFromIndex, isNamed, nameTheNameless } from "./names.ts";

/** One table of a damaged file. */
export interface SalvagedTable {
  readonly table: string;
  readonly rows: number;
  /**
   * Ranges of row ids whose pages cannot be read, of blocks with device and begin; a table without row ids says "rows
   * in the middle", one whose root is damaged "everything".
   */
  readonly lost: readonly string[];
}

export interface Salvaged {
  readonly tables: readonly SalvagedTable[];
  /** Where the damaged file lies now, as it was. */
  readonly kept: string;
}

/** Rows copied at once; where that fails the range is halved, down to one row. */
const ROWS_A_STEP = 1_024;

/**
 * Makes a new file of everything that can still be read from a damaged one, table by table, and puts it in its place;
 * the damaged file is renamed and kept. The record must not be in use. Throws RECORD_FAILED where not even the list of
 * tables can be read: then only a backup helps.
 */
export function salvage(path: string): Salvaged {
  const half = `${path}.salvaged`;
  rmSync(half, { force: true });
  using old = openDamaged(path);
  const columns = tablesOf(old, path);
  using made = new DatabaseSync(half);
  migrate(made, { path: half, steps: stepsOf(old) });
  made.exec("PRAGMA foreign_keys = OFF");
  const tables = namesFirst(columns).map(([table, names]) => copyTable(old, made, { table, names }));
  if (columns.has("block")) nameTheNameless(made, join(dirname(path), JOURNAL_FOLDER));
  made.close();
  old.close();
  const kept = `${path}.damaged`;
  for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  renameSync(path, kept);
  renameSync(half, path);
  return { tables, kept };
}

function openDamaged(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  // What the log holds belongs to the file; where it cannot be moved there, reading sees it all the same.
  ignoring(() => db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  return db;
}

function ignoring(work: () => void): void {
  try {
    work();
  } catch {
    // A damaged file may refuse.
  }
}

/** The steps that the file has seen, so that its rows fit; the next start brings it forward. */
function stepsOf(db: DatabaseSync): typeof migrations {
  const seen = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  return migrations.slice(0, Math.max(1, seen));
}

function tablesOf(db: DatabaseSync, path: string): Map<string, string[]> {
  try {
    const rows = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all();
    return new Map(
      rows.map(({ name }) => {
        const columns = db.prepare(`SELECT name FROM pragma_table_info('${String(name)}')`).all();
        return [String(name), columns.map((column) => `"${String(column["name"])}"`)];
      }),
    );
  } catch (error) {
    const message = `Nothing of ${path} can be read (${messageOf(error)}): only a backup helps. fieldwatt record restore`;
    throw new FieldwattError("RECORD_FAILED", message, { cause: error });
  }
}

/** Of the others it is said whose they are. */
const namesFirst = (columns: Map<string, string[]>): [string, string[]][] =>
  [...columns].toSorted(([a], [b]) => Number(isNamed(b)) - Number(isNamed(a)));

interface Table {
  readonly table: string;
  readonly names: readonly string[];
}

function copyTable(old: DatabaseSync, made: DatabaseSync, { table, names }: Table): SalvagedTable {
  const named = isNamed(table) ? copyFromIndex(old, made, table) : undefined;
  if (named !== undefined) return { table, rows: named, lost: [] };
  const insert = made.prepare(
    `INSERT OR IGNORE INTO "${table}" (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
  );
  const keep = (rows: readonly Record<string, unknown>[]): number =>
    transact(made, () => rows.reduce((sum, row) => sum + Number(insert.run(...valuesOf(row)).changes), 0));
  const bounds = boundsOf(old, table);
  if (bounds === "nothing") return { table, rows: 0, lost: ["everything"] };
  if (bounds === "no row ids") return copyFromBothEnds(old, { table, names }, keep);
  const lost: string[] = [];
  let rows = 0;
  const copy = (from: number, to: number): void => {
    try {
      const sql = `SELECT ${names.join(", ")} FROM "${table}" WHERE rowid BETWEEN ? AND ?`;
      rows += keep(old.prepare(sql).all(from, to));
    } catch {
      if (from === to) return void lost.push(`${from}`);
      const middle = Math.floor((from + to) / 2);
      copy(from, middle);
      copy(middle + 1, to);
    }
  };
  for (let from = bounds.first; from <= bounds.last; from += ROWS_A_STEP)
    copy(from, Math.min(bounds.last, from + ROWS_A_STEP - 1));
  const ids = lost.map(Number);
  return { table, rows, lost: (table === "block" && wordsOfBlocks(old, made, ids)) || ranges(ids) };
}

const valuesOf = (row: Record<string, unknown>): SQLInputValue[] => Object.values(row) as SQLInputValue[];

/** The least and the largest row id; where the ends cannot be read, as far as ids of a record go. */
function boundsOf(
  db: DatabaseSync,
  table: string,
): { first: number; last: number } | "no row ids" | "nothing" {
  const edge = (order: "ASC" | "DESC"): number => {
    const row = db.prepare(`SELECT rowid AS id FROM "${table}" ORDER BY rowid ${order} LIMIT 1`).get();
    return row ? Number(row["id"]) : 0;
  };
  try {
    return { first: edge("ASC"), last: edge("DESC") };
  } catch (error) {
    if (messageOf(error).includes("no such column: rowid")) return "no row ids";
    return leadsNowhere(db, table) ? "nothing" : { first: 1, last: ROWS_TRIED_MAX };
  }
}

/** Whether the way to every row is damaged, as it is where a table's root page is. */
function leadsNowhere(db: DatabaseSync, table: string): boolean {
  for (let id = 1; id <= ROWS_TRIED_MAX; id *= 2) {
    try {
      db.prepare(`SELECT rowid FROM "${table}" WHERE rowid = ?`).get(id);
      return false;
    } catch {
      continue;
    }
  }
  return true;
}

const ROWS_TRIED_MAX = 1_000_000;

function copyFromBothEnds(
  old: DatabaseSync,
  { table, names }: Table,
  keep: (rows: readonly Record<string, unknown>[]) => number,
): SalvagedTable {
  let rows = 0;
  const walk = (order: "ASC" | "DESC"): boolean => {
    const key = old.prepare(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`).all();
    const by = key.map(({ name }) => `"${String(name)}" ${order}`).join(", ");
    try {
      for (const row of old.prepare(`SELECT ${names.join(", ")} FROM "${table}" ORDER BY ${by}`).iterate())
        rows += keep([row]);
      return true;
    } catch {
      return false;
    }
  };
  const whole = walk("ASC");
  if (!whole) walk("DESC");
  return { table, rows, lost: whole ? [] : ["rows in the middle"] };
}

/** Whose blocks they were and where they began, as their index still tells; undefined where it is damaged, too. */
function wordsOfBlocks(old: DatabaseSync, made: DatabaseSync, ids: readonly number[]): string[] | undefined {
  try {
    const wanted = new Set(ids);
    const rows = old.prepare("SELECT id, device, first FROM block INDEXED BY block_device").all();
    const name = made.prepare("SELECT name FROM device WHERE id = ?");
    return rows
      .filter(({ id }) => wanted.has(Number(id)))
      .map(({ id, device, first }) => {
        const whose = String(name.get(Number(device))?.["name"] ?? `device ${Number(device)}`);
        return `block ${Number(id)} (${whose} from ${toIso(instant(Number(first)))})`;
      });
  } catch {
    return undefined;
  }
}

/** 3, 4, 5, 9 as "3 to 5", "9". */
function ranges(ids: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const id of ids) {
    const last = found.at(-1);
    if (last?.[1] === id - 1) last[1] = id;
    else found.push([id, id]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`));
}
