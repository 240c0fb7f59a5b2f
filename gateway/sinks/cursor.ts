import type { DatabaseSync } from "node:sqlite";
import { FEED_START, type FeedCursor } from "../record/feed.ts";

/** Where the sink goes on; the start of the record for one that was never here. */
export function sinkCursor(db: DatabaseSync, name: string): FeedCursor {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sink'").get();
  const row = known && db.prepare("SELECT cursor FROM sink WHERE name = ?").get(name);
  return row ? String(row["cursor"]) : FEED_START;
}
