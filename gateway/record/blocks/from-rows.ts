import type { DatabaseSync } from "node:sqlite";
import { ColumnsBuilder } from "./columns.ts";
import { packSlice } from "./pack.ts";

/** Readings in one piece of work; memory and the size of a transaction stay small however old the record is. */
const ROWS_A_PIECE = 20_000;

/**
 * Moves the oldest rows of the table `reading`, which records of version 1 kept their readings in, into blocks.
 * @returns false when none were left
 */
export function packOldestRows(db: DatabaseSync): boolean {
  const sql = "SELECT time, stream, value, quality FROM reading ORDER BY time, stream LIMIT ?";
  const rows = db.prepare(sql).all(ROWS_A_PIECE);
  const last = rows.at(-1);
  if (!last) return false;
  const columns = new ColumnsBuilder(rows.length);
  for (const row of rows) {
    const [stream, time, value, quality] = [row["stream"], row["time"], row["value"], row["quality"]].map(
      Number,
    );
    columns.add({
      stream: stream ?? 0,
      time: time ?? 0,
      value: value ?? 0,
      quality: quality ?? 0,
      sequence: 0,
    });
  }
  packSlice(db, { columns: columns.built(), firstFrame: 0, lastFrame: 0 });
  const remove = db.prepare("DELETE FROM reading WHERE (time, stream) <= (?, ?)");
  remove.run(Number(last["time"]), Number(last["stream"]));
  return true;
}
