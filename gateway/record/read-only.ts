import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** How long a read waits for another process, ms. */
const BUSY_MS = 5_000;

/**
 * Opens a database for reading, beside whoever writes to it. On a disk that takes no writes SQLite cannot make the
 * files that it shares with other processes: there a database without a log beside it is whole as it lies, and
 * nobody changes it (sqlite.org/uri.html, immutable).
 */
export function openReadOnly(path: string): DatabaseSync {
  const asItLies = !existsSync(`${path}-wal`) && !isWritable(dirname(path));
  const location = asItLies ? new URL(`${pathToFileURL(path).href}?immutable=1`) : path;
  return new DatabaseSync(location, { readOnly: true, timeout: BUSY_MS });
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
