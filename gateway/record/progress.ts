import type { DatabaseSync } from "node:sqlite";
import { instant, type Instant } from "../../domain/model/index.ts";

/** The last frame of the journal whose readings are in blocks. */
export const PACKED = "journal packed";

/** When the record came out of a backup, until the hub has said what it holds of it (release/restored.ts). */
export const RESTORED = "restored";

/** How far a stage has come, or undefined before its first step. Stages write it with their results. */
export function progressOf(db: DatabaseSync, name: string): Instant | undefined {
  const row = db.prepare("SELECT value FROM progress WHERE name = ?").get(name);
  return row && instant(Number(row.value));
}

export const packedFrame = (db: DatabaseSync): number => progressOf(db, PACKED) ?? 0;

export function setPackedFrame(db: DatabaseSync, frame: number): void {
  const sql =
    "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
  db.prepare(sql).run(PACKED, frame);
}
