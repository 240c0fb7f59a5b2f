import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import { FieldwattError } from "../../domain/model/index.ts";
import { coded } from "./coded.ts";
import type { Queryable, Row, Storage } from "./queryable.ts";

/** PGlite in the folder `dir`, which one process at a time may open. */
export async function openPglite(dir: string): Promise<Storage> {
  const lock = lockFolder(dir);
  const engine = await coded(() => PGlite.create({ dataDir: join(dir, "pglite") })).catch(
    (error: unknown) => {
      lock.close();
      throw error;
    },
  );
  const on = (connection: Pick<PGlite, "query">): Queryable => ({
    query: (sql, params) => coded(async () => (await connection.query<Row>(sql, [...(params ?? [])])).rows),
  });
  return {
    ...on(engine),
    transaction: (work) => coded(() => engine.transaction((transaction) => work(on(transaction)))),
    async [Symbol.asyncDispose]() {
      await engine.close();
      lock.close();
    },
  };
}

/**
 * PGlite does not notice a second process in its folder, which would damage it. SQLite's lock on a file beside it
 * ends with the process, however that ends, so that nothing stale has to be cleared away.
 */
function lockFolder(dir: string): DatabaseSync {
  mkdirSync(dir, { recursive: true });
  const lock = new DatabaseSync(join(dir, "lock"));
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new FieldwattError("STORAGE_FAILED", `${dir} is open in another process`, { cause });
  }
  return lock;
}
