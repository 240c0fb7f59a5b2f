import type { DatabaseSync } from "node:sqlite";
import { openRow, prepare, rowOf } from "../blocks/rows.ts";
import { framesAfter } from "../journal/replay.ts";
import { packedFrame } from "../progress.ts";
import { headsOf } from "./verify.ts";

/** Tables of names by number, each with an index over the names. */
const NAMED = ["stream", "device"] as const;
export type NamedTable = (typeof NAMED)[number];
export const isNamed = (table: string): table is NamedTable => NAMED.some((one) => one === table);

/**
 * Copies a table of names from its index, which holds the numbers, too: a page that the table lost is none of the
 * index. @returns the rows; undefined where the index cannot be read in full
 */
export function copyFromIndex(old: DatabaseSync, made: DatabaseSync, table: NamedTable): number | undefined {
  try {
    const rows = old.prepare(`SELECT id, name FROM ${table} INDEXED BY sqlite_autoindex_${table}_1`).all();
    const insert = made.prepare(`INSERT INTO ${table} (id, name) VALUES (?, ?)`);
    for (const { id, name } of rows) insert.run(Number(id), String(name));
    return rows.length;
  } catch {
    return undefined;
  }
}

/**
 * Gives a name to each number that readings have and no name: `lost-stream-7/unknown`. Without it the next new stream
 * would get the number, and with it another's readings.
 * @param journal the journal's folder
 */
export function nameTheNameless(db: DatabaseSync, journal: string): void {
  const streams = new Set<number>();
  for (const head of headsOf(db)) {
    prepare(db, "INSERT OR IGNORE INTO device (id, name) VALUES (?, ?)").run(
      head.device,
      `lost-device-${head.device}`,
    );
    for (const stream of streamsOf(db, head.id)) streams.add(stream);
  }
  for (const { columns } of framesAfter(journal, packedFrame(db)))
    for (const stream of columns.streams.subarray(0, columns.count)) streams.add(stream);
  const name = prepare(db, "INSERT OR IGNORE INTO stream (id, name) VALUES (?, ?)");
  for (const stream of streams) name.run(stream, `lost-stream-${stream}/unknown`);
}

function streamsOf(db: DatabaseSync, block: number): readonly number[] {
  try {
    const row = rowOf(db, block);
    return row ? openRow(row).streams : [];
  } catch {
    // It is taken out next, and listed.
    return [];
  }
}
