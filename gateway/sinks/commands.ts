import type { DatabaseSync } from "node:sqlite";
import { FEED_START, type FeedCursor } from "../record/feed.ts";

/** How far each sink has come in the record's feed: kept in the record, so that a backup holds the two together. */
export const sinkCommands = {
  saveSinkCursor(db: DatabaseSync, { name, cursor }: { name: string; cursor: FeedCursor }): void {
    db.exec(
      "CREATE TABLE IF NOT EXISTS sink (name TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
    const sql =
      "INSERT INTO sink (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor";
    db.prepare(sql).run(name, cursor);
  },
};

/** Where the sink goes on; the start of the record for one that was never here. */
export function sinkCursor(db: DatabaseSync, name: string): FeedCursor {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sink'").get();
  const row = known && db.prepare("SELECT cursor FROM sink WHERE name = ?").get(name);
  return row ? String(row["cursor"]) : FEED_START;
}
