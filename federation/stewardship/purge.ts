import type { Queryable, Storage } from "../storage/index.ts";

/**
 * Behind a deletion. PostgreSQL leaves a deleted row in its file until the table is written anew, and in its log until
 * the log is used again; here both are done, at most once a day. A hold whose time is over is ended before.
 */
const DAY_MS = 86_400_000;
/** Holds ended in one call; the rest follow with the next. */
const HOLDS_MAX = 5_000;
/** Tables that had what was deleted. */
const TABLES = [
  "item",
  "energy_interval",
  "correction",
  "farm_day",
  "advice",
  "answer",
  "clearing_share",
  "erasure_hold",
];

/** Deletes what was kept for the accounts and need not be any more. @returns how many shares of slots */
export const endHolds = (storage: Storage, now: number): Promise<number> =>
  storage.transaction((tx) => endSome(tx, now));

async function endSome(storage: Queryable, now: number): Promise<number> {
  const ended = await storage.query(
    `DELETE FROM erasure_hold WHERE (gateway, subject, slot) IN (
       SELECT gateway, subject, slot FROM erasure_hold WHERE until <= $1::bigint LIMIT ${HOLDS_MAX})
     RETURNING gateway, subject, slot`,
    [now],
  );
  if (ended.length === 0) return 0;
  const list = JSON.stringify(ended);
  const keys = "json_to_recordset($1::json) AS r (gateway text, subject text, slot bigint)";
  await storage.query(
    `DELETE FROM clearing_share s USING ${keys} WHERE s.gateway = r.gateway AND s.subject = r.subject AND s.slot = r.slot`,
    [list],
  );
  await storage.query(
    `UPDATE answer w SET answer = '{"kind":"forgotten"}' FROM ${keys} WHERE w.gateway = r.gateway
       AND w.answer::json->>'kind' = 'clearing' AND w.answer::json->>'subject' = r.subject
       AND (w.answer::json->>'slot')::bigint = r.slot`,
    [list],
  );
  await storage.query("UPDATE purge SET due = least(due, $1::bigint)", [now]);
  return ended.length;
}

/** Writes the tables anew without what was deleted, where that is due. @returns whether it was */
export async function purgeWhenDue(storage: Queryable, now: number): Promise<boolean> {
  const [row] = await storage.query(
    "SELECT due FROM purge WHERE due IS NOT NULL AND (done IS NULL OR done <= $1::bigint)",
    [now - DAY_MS],
  );
  if (!row) return false;
  for (const table of TABLES) await storage.query(`VACUUM FULL ${table}`);
  await storage.query("UPDATE purge SET done = $1::bigint, due = NULL", [now]);
  await endLog(storage);
  return true;
}

/**
 * The log of the storage has what was written, too, until its files are used again. PGlite's ends here: a new file is
 * begun and the old ones are deleted. A PostgreSQL server does that for itself, in its time, and may not let us.
 */
async function endLog(storage: Queryable): Promise<void> {
  for (const step of ["SET wal_recycle = off", "SELECT pg_switch_wal()", "CHECKPOINT"])
    await storage.query(step).catch(() => undefined);
}
