import { DatabaseSync } from "node:sqlite";
import { FieldwattError } from "../../domain/model/index.ts";
import { migrations } from "./migrations.ts";

/** How long a commit waits for another process (a backup, `sqlite3`) that holds the file, ms. */
const BUSY_MS = 5_000;
/** After this many pages of 4 kB in the log, SQLite moves them to the file: fewer rewrites of the same last pages. */
const CHECKPOINT_PAGES = 2_000;
/** The log is cut back to this after a checkpoint, bytes. */
const LOG_BYTES_KEPT = 16 * 1024 * 1024;

/**
 * Opens the file for writing and brings its schema forward.
 *
 * `synchronous=FULL` in WAL mode syncs the log at every commit: what was committed survives a power cut
 * (sqlite.org/pragma.html#pragma_synchronous). Throws RECORD_NEWER or RECORD_FAILED.
 */
export function openForWriting(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    refuseNewer(db);
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${LOG_BYTES_KEPT};
    `);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

const version = (db: DatabaseSync): number =>
  Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);

function refuseNewer(db: DatabaseSync): void {
  const found = version(db);
  if (found <= migrations.length) return;
  const message = `The record is of version ${found}; this program knows versions up to ${migrations.length}. Install a newer Fieldwatt.`;
  throw new FieldwattError("RECORD_NEWER", message);
}

/** Each step in a transaction of its own: a power cut between two steps leaves a file that the next start finishes. */
function migrate(db: DatabaseSync): void {
  migrations.forEach((step, index) => {
    transact(db, () => {
      if (version(db) !== index) return;
      db.exec(step);
      db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  });
}

/** Runs `work` in BEGIN IMMEDIATE … COMMIT; on any error nothing of it is kept and the error goes on. */
export function transact<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // After a full disk SQLite has rolled back by itself.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
