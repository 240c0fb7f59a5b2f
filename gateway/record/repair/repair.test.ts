import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../../domain/model/index.ts";
import { dice } from "../blocks/fixtures/dice.ts";
import { openKept } from "../fixtures/kept.ts";
import { openReadings } from "../open-readings.ts";
import { quarantineDamaged } from "./repair.ts";
import { salvage } from "./salvage.ts";
import { verifyRecord } from "./verify.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 15);
const HOURS = 40;
const power = streamId(deviceId("meter"), "activePower");

let folder: string;
let path: string;

/** A file of forty hours, a block each, of which every reading is known: value = minute. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-repair-"));
  path = join(folder, "record.sqlite");
  using kept = openKept(path);
  const d = dice(11);
  for (let hour = 0; hour < HOURS; hour++) {
    kept.keep(
      Array.from({ length: 900 }, (_, at): Reading => ({
        stream: power,
        time: instant(START + hour * HOUR + at * 4_000),
        // Noise that no codec makes small: blocks of some kB, each on pages of its own.
        value: d.below(2 ** 32) / 1_000,
        quality: "ok",
      })),
    );
    kept.pack();
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Turns one bit of the file over, inside of the data of a block. */
function flipInBlock(id: number): void {
  using db = new DatabaseSync(path);
  const data = db.prepare("SELECT data FROM block WHERE id = ?").get(id)?.["data"] as Uint8Array;
  db.close();
  const bytes = readFileSync(path);
  // The end of a block lies in one piece on its last page.
  const at = bytes.indexOf(data.subarray(-64));
  if (at < 0) throw new Error("the block's end is not in the file");
  bytes.writeUInt8(bytes.readUInt8(at + 20) ^ 0x10, at + 20);
  writeFileSync(path, bytes);
}

it("finds nothing in a record that is whole", () => {
  expect(verifyRecord(folder)).toEqual({
    blocks: HOURS,
    readings: HOURS * 900,
    frames: 0,
    damagedBlocks: [],
    damagedFrames: [],
    lostBefore: [],
    file: [],
  });
});

it("names a flipped bit's block, and repair takes exactly that one out", () => {
  flipInBlock(7);
  const found = verifyRecord(folder);
  const lost = {
    block: 7,
    device: "meter",
    first: "2026-06-15T06:00:00.000Z",
    last: "2026-06-15T06:59:56.000Z",
    readings: 900,
    streams: [power],
    because: expect.stringContaining("checksum") as unknown,
  };
  expect(found.damagedBlocks).toEqual([lost]);
  expect(found.readings).toBe((HOURS - 1) * 900);
  using db = new DatabaseSync(path);
  expect(quarantineDamaged(db, instant(START))).toEqual([lost]);
  expect(db.prepare("SELECT readings, length(data) > 0 AS data FROM quarantine").all()).toEqual([
    { readings: 900, data: 1 },
  ]);
  db.close();
  expect(verifyRecord(folder)).toMatchObject({ blocks: HOURS - 1, damagedBlocks: [] });
});

it("saves what a damaged page of the file leaves, and keeps the damaged file", () => {
  const whole = join(folder, "whole.sqlite");
  copyFileSync(path, whole);
  using before = new DatabaseSync(whole);
  const page = Number(before.prepare("PRAGMA page_size").get()?.["page_size"]);
  const root = Number(
    before.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'block'").get()?.["rootpage"],
  );
  const bytes = readFileSync(path);
  // The first page below the root of the table of blocks (an interior page, type 5): cell 0 begins with its number.
  const at = (root - 1) * page;
  expect(bytes.readUInt8(at)).toBe(5);
  const child = bytes.readUInt32BE(at + bytes.readUInt16BE(at + 12));
  bytes.fill(0xff, (child - 1) * page, child * page);
  writeFileSync(path, bytes);

  const saved = salvage(path);
  expect(existsSync(saved.kept)).toBe(true);
  const blocks = saved.tables.find(({ table }) => table === "block");
  expect(blocks?.rows).toBeGreaterThan(HOURS / 2);
  expect(blocks?.rows).toBeLessThan(HOURS);
  expect(blocks?.lost).toHaveLength(HOURS - Number(blocks?.rows));
  for (const words of blocks?.lost ?? [])
    expect(words).toMatch(/^block \d+ \(meter from 2026-06-1[56]T\d\d:00:00.000Z\)$/);
  expect(saved.tables.filter(({ table, lost }) => table !== "block" && lost.length > 0)).toEqual([]);

  const after = verifyRecord(folder);
  expect(after).toMatchObject({ blocks: blocks?.rows, damagedBlocks: [], file: [] });
  using db = new DatabaseSync(path);
  const always = { from: instant(0), to: instant(9e12) };
  const kept = openReadings({ read: db }).between(power, always);
  const all = new Map(
    openReadings({ read: before })
      .between(power, always)
      .map(({ time, value }) => [time, value]),
  );
  expect(kept.every(({ time, value }) => all.get(time) === value)).toBe(true);
  expect(kept).toHaveLength(Number(blocks?.rows) * 900);
});

it("says that nothing can be saved of a file whose head is gone", () => {
  const bytes = readFileSync(path);
  bytes.fill(0, 0, 8_192);
  writeFileSync(path, bytes);
  expect(() => salvage(path)).toThrow(expect.objectContaining({ code: "RECORD_FAILED" }));
  expect(existsSync(path)).toBe(true);
});

it("keeps the number of a stream whose name is lost, so that no other stream gets its readings", () => {
  using before = new DatabaseSync(path);
  const page = Number(before.prepare("PRAGMA page_size").get()?.["page_size"]);
  const sql = "SELECT rootpage FROM sqlite_schema WHERE name IN ('stream', 'sqlite_autoindex_stream_1')";
  const roots = before.prepare(sql).all();
  before.close();
  const bytes = readFileSync(path);
  for (const { rootpage } of roots) bytes.fill(0xff, (Number(rootpage) - 1) * page, Number(rootpage) * page);
  writeFileSync(path, bytes);

  expect(roots).toHaveLength(2);
  expect(salvage(path).tables.find(({ table }) => table === "stream")?.lost).toEqual(["everything"]);
  {
    using kept = openKept(path);
    kept.keep([{ stream: power, time: instant(START), value: 7, quality: "ok" }]);
    kept.pack();
  }
  using db = new DatabaseSync(path);
  expect(db.prepare("SELECT name FROM stream ORDER BY id").all()).toEqual([
    { name: "lost-stream-1/unknown" },
    { name: power },
  ]);
  const always = { from: instant(0), to: instant(9e12) };
  expect(openReadings({ read: db }).between(power, always)).toMatchObject([{ value: 7 }]);
});
