import type { DatabaseSync } from "node:sqlite";

/** How far each sink has come in the record's feed: kept in the record, so that a backup holds the two together. */
export const sinkCommands = {
  saveSinkCursor(db: DatabaseSync, { name, cursor }: { name: string; cursor: string }): void {
    db.exec(
      "CREATE TABLE IF NOT EXISTS sink (name TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
    const sql =
      "INSERT INTO sink (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor";
    db.prepare(sql).run(name, cursor);
  },
};
