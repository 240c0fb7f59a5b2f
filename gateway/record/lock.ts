import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";

const LOCK = "lock";
/** How long a gateway that is just ending is waited for, ms. */
const PATIENCE_MS = 1_000;

/**
 * Takes a folder for this process alone, until disposed. The lock is SQLite's on an empty file, which the kernel
 * lifts when the process ends, however it ends. Throws RECORD_BUSY, FOLDER_UNWRITABLE.
 */
export function lockFolder(folder: string): Disposable {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    db = new DatabaseSync(join(folder, LOCK), { timeout: PATIENCE_MS });
    // No rollback journal: nothing is ever written.
    db.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    db?.close();
    if (isBusy(error))
      throw new FieldwattError("RECORD_BUSY", `Another gateway has the record in ${folder} open.`);
    throw new FieldwattError("FOLDER_UNWRITABLE", `The folder ${folder} cannot be used: ${messageOf(error)}`);
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}

/** Whether somebody has taken the folder. */
export function isLocked(folder: string): boolean {
  const file = join(folder, LOCK);
  if (!existsSync(file)) return false;
  using db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec("SELECT 1 FROM sqlite_schema");
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  }
}

/** SQLITE_BUSY (sqlite.org/rescode.html). */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;
