import type { DatabaseSync } from "node:sqlite";

export const sinkCommands = {
  /** Keeps how far a sink has come, under its name. */
  saveSinkCursor(db: DatabaseSync, { name, cursor }: { name: string; cursor: number | bigint }): void {
    const sql =
      "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.prepare(sql).run(name, cursor);
  },
};
