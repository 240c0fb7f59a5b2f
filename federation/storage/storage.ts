import { FieldwattError } from "../../domain/model/index.ts";
import { migrations } from "./migrations.ts";
import { openPglite } from "./pglite.ts";
import { openPostgres } from "./postgres.ts";
import type { Queryable, Storage } from "./queryable.ts";

/**
 * The hub's storage: the same SQL on PGlite (PostgreSQL inside this process, one folder, nothing to install) and on a
 * PostgreSQL server. Parameters are $1, $2, …; bigint comes back as a number; many rows go in as one JSON parameter
 * (`json_to_recordset`), so that a batch is one statement.
 *
 * What each survives: both lose nothing that was committed when the process dies (kill -9). A power cut is another
 * matter: PGlite cannot reach fsync through its file system, so that the last seconds before a power cut may be gone.
 * A hub that gateways rely on needs PostgreSQL, which does fsync.
 */
export type StorageKind =
  { readonly kind: "pglite"; readonly dir: string } | { readonly kind: "postgres"; readonly url: string };

/**
 * Opens the storage and brings its schema up to date.
 * @throws FieldwattError STORAGE_FAILED when it cannot be opened, is open in another process (PGlite), or was written
 * by a newer program
 */
export async function openStorage(where: StorageKind): Promise<Storage> {
  const storage = where.kind === "pglite" ? await openPglite(where.dir) : await openPostgres(where.url);
  try {
    await storage.transaction(migrate);
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
  return storage;
}

async function migrate(transaction: Queryable): Promise<void> {
  await transaction.query("CREATE TABLE IF NOT EXISTS migration (step integer PRIMARY KEY)");
  const [row] = await transaction.query("SELECT coalesce(max(step), 0) AS seen FROM migration");
  const seen = Number(row?.seen);
  if (seen > migrations.length) {
    throw new FieldwattError("STORAGE_FAILED", "The hub's storage was written by a newer program");
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < seen) continue;
    for (const statement of statements) await transaction.query(statement);
    await transaction.query("INSERT INTO migration (step) VALUES ($1)", [index + 1]);
  }
}
