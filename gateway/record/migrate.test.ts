import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openLog } from "../../platform/log.ts";
import { migrate, version } from "./migrate.ts";
import { migrations, type MigrationStep } from "./migrations.ts";
import { openReadings } from "./open-readings.ts";
import { openRecord } from "./open.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-migrate-"));
  path = join(folder, "record.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

const power = streamId(deviceId("meter"), "activePower");
const TEN_SECONDS = 10_000;
const ROWS = 45_000;
const valueOf = (row: number): number => ((row * 37) % 5_000) / 10;

/** A record as the first version of the program left it. */
function firstVersion(rows: number): DatabaseSync {
  const db = new DatabaseSync(path);
  migrate(db, { path, steps: migrations.slice(0, 1) });
  db.exec(`INSERT INTO stream (name) VALUES ('${power}'), ('probe/soilMoisture')`);
  db.exec("BEGIN");
  const insert = db.prepare("INSERT INTO reading (time, stream, value, quality) VALUES (?, ?, ?, ?)");
  for (let row = 0; row < rows; row++)
    insert.run(row * TEN_SECONDS, 1, valueOf(row), row % 100 === 0 ? 1 : 0);
  insert.run(5, 2, 0.25, 0);
  db.exec("COMMIT");
  return db;
}

const isWhole = (db: DatabaseSync): boolean => {
  const readings = openReadings({ read: db });
  const kept = readings.between(power, { from: instant(0), to: instant(9e12) });
  return (
    readings.count() === ROWS + 1 &&
    kept.every(
      ({ time, value, quality }, row) =>
        time === row * TEN_SECONDS &&
        value === valueOf(row) &&
        quality === (row % 100 === 0 ? "stale" : "ok"),
    )
  );
};

it("moves the readings of the first version into blocks, after a copy of the file", () => {
  using db = firstVersion(ROWS);
  const done = migrate(db, { path });
  expect(done).toEqual({ from: 1, to: migrations.length, backup: `${path}.v1.bak` });
  expect(isWhole(db)).toBe(true);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'reading'").all()).toEqual([]);
  using copy = new DatabaseSync(`${path}.v1.bak`, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS n FROM reading").get()).toEqual({ n: ROWS + 1 });
  expect(version(copy)).toBe(1);
});

it("goes on where a power cut ended it, and keeps the first copy", () => {
  using db = firstVersion(ROWS);
  let pieces = 0;
  const cut = migrations.map((step): MigrationStep => {
    if (typeof step === "string") return step;
    const piece = (given: DatabaseSync): boolean => {
      if (pieces++ === 1) throw new Error("no power");
      return step.piece(given);
    };
    return { ...step, piece };
  });
  expect(() => migrate(db, { path, steps: cut })).toThrow("no power");
  expect(db.prepare("SELECT count(*) AS n FROM reading").get()).not.toEqual({ n: ROWS + 1 });
  migrate(db, { path });
  expect(isWhole(db)).toBe(true);
  using copy = new DatabaseSync(`${path}.v1.bak`, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS n FROM reading").get()).toEqual({ n: ROWS + 1 });
});

it("copies neither a new file nor a current one", () => {
  using db = new DatabaseSync(path);
  expect(migrate(db, { path })).toEqual({ from: 0, to: migrations.length });
  expect(migrate(db, { path })).toEqual({ from: migrations.length, to: migrations.length });
  expect(readdirSync(folder)).toEqual(["record.sqlite"]);
});

it("leaves a file alone that is newer, or of which no copy can be made", () => {
  using db = firstVersion(10);
  const nowhere = join(folder, "missing", "record.sqlite");
  expect(() => migrate(db, { path: nowhere })).toThrow(expect.objectContaining({ code: "RECORD_FAILED" }));
  expect(version(db)).toBe(1);
  db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
  expect(() => migrate(db, { path })).toThrow(expect.objectContaining({ code: "RECORD_NEWER" }));
  expect(existsSync(`${path}.v1.bak`)).toBe(false);
});

it("says in the log where the copy of the old form lies", async () => {
  firstVersion(10).close();
  const lines: string[] = [];
  const log = openLog("gateway", { write: (line) => void lines.push(line) });
  await (await openRecord({ path, log }))[Symbol.asyncDispose]();
  expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({ from: 1, to: migrations.length, backup: `${path}.v1.bak` }),
  );
});
