import type { DatabaseSync } from "node:sqlite";
import { instant, type Instant, type Reading, type StreamId } from "../../domain/model/index.ts";
import { QUALITIES } from "./messages.ts";

/** How far a stage has come, or undefined before its first step. Stages write it with their results. */
export function progressOf(db: DatabaseSync, name: string): Instant | undefined {
  const row = db.prepare("SELECT value FROM progress WHERE name = ?").get(name);
  return row && instant(Number(row.value));
}

/** Every reading from `since` on, in order of time, one at a time: a long absence does not fill the memory. */
export function* readingsSince(db: DatabaseSync, since: Instant): Generator<Reading> {
  const sql = `SELECT name, time, value, quality FROM reading JOIN stream ON stream.id = reading.stream
    WHERE time >= ? ORDER BY time`;
  for (const row of db.prepare(sql).iterate(since)) {
    const quality = QUALITIES[Number(row.quality)] ?? "implausible";
    yield {
      stream: String(row.name) as StreamId,
      time: instant(Number(row.time)),
      value: Number(row.value),
      quality,
    };
  }
}
