import { DatabaseSync } from "node:sqlite";
import { migrate, refuseNewer, version, type Migrated } from "./migrate.ts";

export { transact } from "./transact.ts";

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
 *
 * @param onMigrated hears what was done to a file of another version, and where its copy lies
 */
export function openForWriting(
  path: string,
  onMigrated: (migrated: Migrated) => void = () => undefined,
): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    refuseNewer(version(db));
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${LOG_BYTES_KEPT};
    `);
    const migrated = migrate(db, { path });
    if (migrated.from < migrated.to) onMigrated(migrated);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
