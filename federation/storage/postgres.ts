import pg from "pg";
import { coded } from "./coded.ts";
import type { Queryable, Row, Storage } from "./queryable.ts";

const CONNECTIONS_MAX = 8;
const CONNECT_TIMEOUT_MS = 5_000;

/** int8 and numeric sums as numbers, as PGlite gives them: all of ours are far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) =>
    id === pg.types.builtins.INT8
      ? Number
      : (pg.types.getTypeParser(id, format) as (text: string) => unknown),
};

/** A PostgreSQL server, for example postgres://hub@db.example/fieldwatt. */
export async function openPostgres(url: string): Promise<Storage> {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types,
  });
  // A connection that breaks while idle is replaced by the pool; the next query says so if the server is gone.
  pool.on("error", () => undefined);
  const on = (connection: Pick<pg.PoolClient, "query">): Queryable => ({
    query: (sql, params) => coded(async () => (await connection.query<Row>(sql, [...(params ?? [])])).rows),
  });
  const storage: Storage = {
    query: (sql, params) => coded(async () => (await pool.query<Row>(sql, [...(params ?? [])])).rows),
    transaction: (work) => coded(() => inTransaction(pool, (client) => work(on(client)))),
    [Symbol.asyncDispose]: () => pool.end(),
  };
  await storage.query("SELECT 1").catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  return storage;
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
