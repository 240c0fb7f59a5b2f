import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../domain/model/index.ts";
import { putPglite } from "../../test/support/pglite-folder.ts";
import { openStorage, type Storage, type StorageKind } from "./index.ts";
import { migrations } from "./migrations.ts";

interface Place extends AsyncDisposable {
  readonly where: StorageKind;
}

function pglitePlace(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "fieldwatt-pglite-"));
  const remove = () => Promise.resolve(rmSync(dir, { recursive: true, force: true }));
  return Promise.resolve({ where: { kind: "pglite", dir }, [Symbol.asyncDispose]: remove });
}

/** Debian's folder of server programs, of whichever version is installed. */
function postgresPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions.map((version) => join(root, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** A server refuses to run as root: then it runs as Debian's user for it. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** A server of this test's own, on a socket in a temporary folder; nobody else can reach it. */
async function postgresPlace(bin: string): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), "fieldwatt-pg-"));
  const user = serverUser();
  if (user) chownSync(dir, user.uid, user.gid);
  const data = join(dir, "data");
  const initdb = ["-D", data, "-U", "hub", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"];
  execFileSync(join(bin, "initdb"), initdb, { ...user, cwd: dir, stdio: "pipe" });
  const options = ["-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off"];
  const server = spawn(join(bin, "postgres"), options, { ...user, cwd: dir, stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  return {
    where: { kind: "postgres", url: `postgres://hub@${encodeURIComponent(dir)}/postgres` },
    async [Symbol.asyncDispose]() {
      server.kill("SIGINT");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A server needs a moment before it takes connections. */
async function openWhenReady(where: StorageKind): Promise<Storage> {
  const attempts = where.kind === "postgres" ? 50 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await openStorage(where);
    } catch (error) {
      if (attempt >= attempts) throw error;
      await wait(100);
    }
  }
}

const bin = postgresPrograms();
if (bin === undefined && process.env.CI) throw new Error("CI needs PostgreSQL: apt-get install postgresql");
const engines: { name: string; place: (() => Promise<Place>) | undefined }[] = [
  { name: "PGlite", place: pglitePlace },
  {
    name: bin ? "PostgreSQL" : "PostgreSQL, which is not here: apt-get install postgresql",
    place: bin === undefined ? undefined : () => postgresPlace(bin),
  },
];

describe.each(engines)("storage on $name", ({ place }) => {
  let at: Place;
  let storage: Storage;
  beforeAll(async () => {
    if (!place) return;
    at = await place();
    storage = await openWhenReady(at.where);
    await storage.query("CREATE TABLE note (id bigint PRIMARY KEY, text text, flag boolean)");
    // Making a PGlite or a server's cluster takes seconds of computing, more on a machine that does other things.
  }, 120_000);
  afterAll(async () => {
    if (!place) return;
    await storage[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
  });
  const run = place ? it : it.skip;

  run("gives bigint as a number, null as null, and takes many rows as one parameter", async () => {
    const rows = [
      { id: 1_780_000_000_000, text: "ünï", flag: true },
      { id: 2, text: null, flag: false },
    ];
    await storage.query(
      "INSERT INTO note SELECT * FROM json_to_recordset($1::json) AS r (id bigint, text text, flag boolean)",
      [JSON.stringify(rows)],
    );
    expect(await storage.query("SELECT id, text, flag FROM note ORDER BY id DESC")).toEqual(rows);
    const [sum] = await storage.query(
      "SELECT coalesce(sum(id), 0)::bigint AS sum FROM note WHERE id = $1",
      [2],
    );
    expect(sum).toEqual({ sum: 2 });
  });

  run("keeps nothing of a transaction that failed", async () => {
    const failed = storage.transaction(async (transaction) => {
      await transaction.query("INSERT INTO note (id) VALUES (77)");
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await storage.query("SELECT id FROM note WHERE id = 77")).toEqual([]);
  });

  run("names a fault by its code", async () => {
    const fault: unknown = await storage.query("SELECT * FROM nothing").catch((error: unknown) => error);
    expect(hasCode(fault, "STORAGE_FAILED")).toBe(true);
  });

  run("is there again after it was closed, and its schema is not made twice", async () => {
    await storage.query("INSERT INTO note (id, text) VALUES (88, 'stays')");
    await storage[Symbol.asyncDispose]();
    storage = await openStorage(at.where);
    expect(await storage.query("SELECT text FROM note WHERE id = 88")).toEqual([{ text: "stays" }]);
    const steps = await storage.query("SELECT step FROM migration ORDER BY step");
    expect(steps).toEqual(migrations.map((_, i) => ({ step: i + 1 })));
  });
});

describe("storage on PGlite", () => {
  it("opens a folder for one process at a time, and refuses what a newer program wrote", async () => {
    await using at = await pglitePlace();
    if (at.where.kind === "pglite") await putPglite(at.where.dir);
    {
      await using storage = await openStorage(at.where);
      const second = openStorage(at.where);
      await expect(second).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      await storage.query("INSERT INTO migration (step) VALUES (999)");
    }
    await expect(openStorage(at.where)).rejects.toThrow(/newer program/);
  });
});
