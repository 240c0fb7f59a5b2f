import type { DatabaseSync } from "node:sqlite";

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
