import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import type { FixtureCommands } from "./fixtures/commands.ts";
import { migrations } from "./migrations.ts";
import { openRecord } from "./open.ts";
import { openRecordReader } from "./reader.ts";
import { CALLS_HELD_MAX, QUEUE_READINGS_MAX } from "./queue.ts";

const power = streamId(deviceId("meter"), "activePower");
const voltage = streamId(deviceId("meter"), "voltage", "L1");
const at = (time: number, value = time, stream = power): Reading => ({
  stream,
  time: instant(time),
  value,
  quality: "ok",
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-record-"));
  path = join(folder, "record.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

const commands = new URL("./fixtures/commands.ts", import.meta.url);
const openFixture = () => openRecord<FixtureCommands>({ path, commands });

/** Holds the file's write lock, as a slow backup would. */
function lockFile(): () => void {
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  return () => {
    other.exec("ROLLBACK");
    other.close();
  };
}

describe("the record", () => {
  it("keeps what was appended across closing and opening", async () => {
    const readings: Reading[] = [
      at(1, 230.25, voltage),
      at(1, -1500),
      { ...at(2, 0), quality: "stale" },
      { ...at(3, 7), quality: "estimated" },
      // A millisecond of the year 2026 does not fit in 32 bits.
      at(Date.UTC(2026, 5, 15, 12), 0.1),
    ];
    {
      await using record = await openRecord({ path });
      await record.append(readings);
    }
    await using record = await openRecord({ path });
    const kept = [...record.readings.byStream({ from: instant(0), to: instant(9e12) }).values()].flat();
    expect(kept.toSorted((a, b) => a.time - b.time || b.value - a.value)).toEqual(readings);
  });

  it("ignores a reading that it has, and keeps the first value", async () => {
    await using record = await openRecord({ path });
    await record.append([at(1, 10)]);
    await record.append([at(1, 99), at(2, 20)]);
    expect(record.readings.between(power, { from: instant(0), to: instant(10) })).toEqual([
      at(1, 10),
      at(2, 20),
    ]);
    expect(record.stats().readingsCommitted).toBe(2);
  });

  it.each([
    ["a value that is not a number", { ...at(1), value: Number.NaN }],
    ["an infinite value", { ...at(1), value: Number.POSITIVE_INFINITY }],
    ["a time with a fraction", { ...at(1), time: instant(1.5) }],
  ])("refuses %s, with the whole call and nobody else's", async (_, bad) => {
    await using record = await openRecord({ path });
    const refused = record.append([at(5), bad]);
    const kept = record.append([at(6)]);
    await expect(refused).rejects.toMatchObject({ code: "RECORD_FAILED" });
    await kept;
    expect(record.readings.count()).toBe(1);
  });

  it("shares one commit among the callers that came while another ran", async () => {
    await using record = await openRecord({ path });
    const unlock = lockFile();
    const first = record.append([at(0)]);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const others = Array.from({ length: 500 }, (_, i) => record.append([at(i + 1)]));
    unlock();
    await Promise.all([first, ...others]);
    expect(record.stats()).toMatchObject({ commits: 2, readingsCommitted: 501, readingsWaiting: 0 });
  });

  it("runs commands and appends in the order of the calls", async () => {
    await using record = await openFixture();
    const counts = [];
    for (let i = 0; i < 5; i++) {
      void record.append([at(i * 2), at(i * 2 + 1)]);
      counts.push(record.run("save", { name: `${i}`, value: i }).then(() => record.readings.count()));
    }
    expect(await Promise.all(counts)).toEqual([2, 4, 6, 8, 10]);
  });

  it.each([
    ["coded", "MESSAGE_INVALID"],
    ["plain", "RECORD_FAILED"],
  ] as const)("undoes a command that throws (%s) and says %s", async (kind, code) => {
    await using record = await openFixture();
    await expect(record.run("writeThenThrow", kind)).rejects.toMatchObject({ code });
    expect(record.read.prepare("SELECT * FROM progress").all()).toEqual([]);
    expect(record.stats().failing).toBeUndefined();
  });

  it("rejects what a crashed writer had in hand, and goes on with a new one", async () => {
    await using record = await openFixture();
    await record.append([at(1), at(1, 230, voltage)]);
    const crashed = record.run("crash", null);
    const after = record.append([at(2, 231, voltage)]);
    await expect(crashed).rejects.toMatchObject({ code: "RECORD_FAILED" });
    await after;
    expect(record.readings.between(voltage, { from: instant(0), to: instant(9) })).toHaveLength(2);
    expect(record.stats().failing).toBeUndefined();
  });

  it("gives up, clearly, on a writer that crashes five times running", async () => {
    await using record = await openFixture();
    for (let i = 0; i < 5; i++)
      await expect(record.run("crash", null)).rejects.toThrow(/ended before it answered/);
    await expect(record.append([at(1)])).rejects.toThrow(/keeps crashing/);
    expect(record.stats().failing).toMatch(/keeps crashing/);
  });

  it("refuses a file of a newer program and leaves it as it is", async () => {
    const newer = new DatabaseSync(path);
    newer.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    newer.close();
    await expect(openRecord({ path })).rejects.toMatchObject({ code: "RECORD_NEWER" });
  });

  it("says which folder cannot be made", async () => {
    writeFileSync(path, "a file, not a folder");
    const opened = openRecord({ path: join(path, "data", "record.sqlite") });
    await expect(opened).rejects.toMatchObject({ code: "FOLDER_UNWRITABLE" });
  });

  it("commits what waits when it is closed, and then refuses", async () => {
    const record = await openRecord({ path });
    const kept = Promise.all(Array.from({ length: 50 }, (_, i) => record.append([at(i)])));
    await record[Symbol.asyncDispose]();
    await kept;
    await expect(record.append([at(99)])).rejects.toMatchObject({ code: "RECORD_CLOSED" });
    await expect(record.run("trimOutbox", [])).rejects.toMatchObject({ code: "RECORD_CLOSED" });
    using reader = openRecordReader(folder);
    expect(reader.readings.count()).toBe(50);
  });

  it("holds callers back when the queue is full, and loses nothing", async () => {
    await using record = await openRecord({ path });
    const unlock = lockFile();
    const size = 4_000;
    const calls = (2 * QUEUE_READINGS_MAX) / size;
    const block = (call: number) => Array.from({ length: size }, (_, i) => at(call * size + i));
    const appended = Array.from({ length: calls }, (_, call) => record.append(block(call)));
    expect(record.stats()).toMatchObject({ readingsWaiting: QUEUE_READINGS_MAX, callsHeld: calls / 2 });
    unlock();
    await Promise.all(appended);
    expect(record.stats()).toMatchObject({ readingsWaiting: 0, callsHeld: 0 });
    expect(record.readings.count()).toBe(2 * QUEUE_READINGS_MAX);
  });

  it("refuses a caller that never waits", async () => {
    await using record = await openRecord({ path });
    const unlock = lockFile();
    void record.append(Array.from({ length: QUEUE_READINGS_MAX }, (_, i) => at(i)));
    const held = Array.from({ length: CALLS_HELD_MAX }, () => record.append([at(1)]));
    await expect(record.append([at(1)])).rejects.toMatchObject({ code: "RECORD_FAILED" });
    unlock();
    await Promise.all(held);
  });
});

describe("reading from the record", () => {
  it("takes the start of a span and leaves its end", async () => {
    await using record = await openRecord({ path });
    await record.append([at(30), at(10), at(20), at(15, 1, voltage)]);
    const span = { from: instant(10), to: instant(30) };
    expect(record.readings.between(power, span)).toEqual([at(10), at(20)]);
    expect(record.readings.byStream(span)).toEqual(
      new Map([
        [power, [at(10), at(20)]],
        [voltage, [at(15, 1, voltage)]],
      ]),
    );
    expect(record.readings.between(streamId(deviceId("nobody"), "voltage"), span)).toEqual([]);
  });

  it.each([
    ["the one just before", 20, 100, 10],
    ["none at the instant itself", 10, 100, undefined],
    ["none older than asked for", 50, 10, undefined],
  ])("finds the last reading before an instant: %s", async (_, time, within, found) => {
    await using record = await openRecord({ path });
    await record.append([at(10), at(25), at(19, 1, voltage)]);
    const last = record.readings.lastBefore(power, instant(time), { within });
    expect(last?.time).toBe(found);
  });

  it("gives the newest reading of each stream", async () => {
    await using record = await openRecord({ path });
    await record.append([at(10), at(30, -5), at(20), at(5, 1, voltage)]);
    expect(record.readings.latest({ since: instant(0) })).toEqual([at(30, -5), at(5, 1, voltage)]);
    expect(record.readings.latest({ since: instant(6) })).toEqual([at(30, -5)]);
  });
});
