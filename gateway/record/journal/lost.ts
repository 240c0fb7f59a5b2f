import type { DatabaseSync } from "node:sqlite";
import { prepare } from "../blocks/rows.ts";
import type { LostFrames } from "../state.ts";

/** Keeps in the record which frames are gone: once the rest is packed, the journal no longer tells. */
export function noteLost(db: DatabaseSync, lost: readonly LostFrames[]): void {
  const insert = prepare(
    db,
    `INSERT INTO lost_frames (first, last, after, before) VALUES (?, ?, ?, ?)
     ON CONFLICT (first) DO UPDATE SET last = max(last, excluded.last)`,
  );
  for (const { from, to, after, before } of lost) insert.run(from, to, after ?? null, before ?? null);
}

export function notedAsLost(db: DatabaseSync): LostFrames[] {
  const rows = prepare(db, "SELECT * FROM lost_frames ORDER BY first").all();
  return rows.map(({ first, last, after, before }) => ({
    ...{ from: Number(first), to: Number(last) },
    ...(after !== null && { after: Number(after) }),
    ...(before !== null && { before: Number(before) }),
  }));
}
