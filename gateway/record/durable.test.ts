import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId, HOUR_MS, instant, streamId, type Reading } from "../../domain/model/index.ts";
import type { FixtureCommands } from "./fixtures/commands.ts";
import { openCommands, openRecord } from "./open.ts";
import { PACK_READINGS } from "./packing.ts";
import type { RecordStore } from "./store.ts";

/** How commits are shared, kept over restarts, and packed. */

const NOON = Date.UTC(2026, 5, 15, 12);
const power = streamId(deviceId("meter"), "activePower");
const at = (value: number, time = NOON + value * 1_000): Reading => ({
  stream: power,
  time: instant(time),
  value,
  quality: "ok",
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-durable-"));
  path = join(folder, "record.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));
const commands = new URL("./fixtures/commands.ts", import.meta.url);

const always = { from: instant(0), to: instant(9e12) };
const valuesIn = ({ readings }: Pick<RecordStore, "readings">): number[] =>
  readings.between(power, always).map(({ value }) => value);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("readings that may wait", () => {
  /** No test waits as long: where it passes, something else brought the commit. */
  const NEVER = 3_600_000;

  it("share one commit with the next ones that may not", async () => {
    await using record = await openRecord({ path, commitInterval: NEVER });
    const polled = [1, 2, 3].map((value) => record.append([at(value)], { mayWait: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(record.stats()).toMatchObject({ commits: 0, readingsWaiting: 3 });
    await record.append([at(4)]);
    await Promise.all(polled);
    expect(record.stats()).toMatchObject({ commits: 1, readingsCommitted: 4 });
  });

  it("are committed before a command that came after them", async () => {
    await using record = await openRecord<FixtureCommands>({ path, commands, commitInterval: NEVER });
    const polled = record.append([at(1)], { mayWait: true });
    await record.run("save", { name: "after", value: 1 });
    await polled;
    expect(valuesIn(record)).toEqual([1]);
  });

  it("are committed when the interval is over, or enough of them wait, or the record is closed", async () => {
    {
      await using record = await openRecord({ path, commitInterval: 10 });
      await record.append([at(1)], { mayWait: true });
    }
    const record = await openRecord({ path, commitInterval: NEVER });
    await record.append(
      range(2, 5_001).map((value) => at(value)),
      { mayWait: true },
    );
    const last = record.append([at(5_002)], { mayWait: true });
    await record[Symbol.asyncDispose]();
    await last;
    await using again = await openRecord({ path });
    expect(valuesIn(again)).toEqual(range(1, 5_002));
  });
});

describe("one folder", () => {
  it("is one gateway's: a second one is refused until the first has closed it", async () => {
    {
      await using _first = await openRecord({ path });
      await expect(openRecord({ path })).rejects.toMatchObject({ code: "RECORD_BUSY" });
    }
    await using _second = await openRecord({ path });
  });

  it("takes commands of a command line beside the gateway, but none of its readings", async () => {
    await using record = await openRecord<FixtureCommands>({ path, commands });
    await record.append([at(1)]);
    await using beside = await openCommands<FixtureCommands>({ path, commands });
    await beside.run("save", { name: "beside", value: 7 });
    expect(record.read.prepare("SELECT value FROM progress WHERE name = 'beside'").get()).toEqual({
      value: 7,
    });
    await record.append([at(2)]);
    expect(valuesIn(record)).toEqual([1, 2]);
  });
});

describe("what is hot", () => {
  it("is there again after closing and opening, and after the writer crashed", async () => {
    {
      await using record = await openRecord({ path });
      await record.append([at(1), { ...at(2), quality: "stale", sequence: 9 }]);
    }
    await using record = await openRecord<FixtureCommands>({ path, commands });
    await expect(record.run("crash", null)).rejects.toMatchObject({ code: "RECORD_FAILED" });
    await record.append([at(3)]);
    expect(record.readings.between(power, always)).toEqual([
      at(1),
      { ...at(2), quality: "stale", sequence: 9 },
      at(3),
    ]);
    expect(record.stats()).toMatchObject({ readingsHot: 3, damagedFrames: [] });
  });

  it("keeps readings of one time apart by their sequence, and ignores a repeated one", async () => {
    await using record = await openRecord({ path });
    await record.append([
      { ...at(1, NOON), sequence: 1 },
      { ...at(2, NOON), sequence: 2 },
    ]);
    await record.append([{ ...at(9, NOON), sequence: 2 }]);
    expect(valuesIn(record)).toEqual([1, 2]);
    expect(record.stats().readingsCommitted).toBe(2);
  });

  it.each([
    ["a fraction", 0.5],
    ["less than nothing", -1],
  ])("takes no sequence with %s", async (_, sequence) => {
    await using record = await openRecord({ path });
    await expect(record.append([{ ...at(1), sequence }])).rejects.toMatchObject({ code: "RECORD_FAILED" });
  });

  it("is packed when the hour is over, and is the same before and after", async () => {
    let now = NOON + HOUR_MS - 1;
    const options = { path, now: () => instant(now) };
    {
      await using record = await openRecord(options);
      await record.append(range(1, 100).map((value) => at(value)));
      expect(record.stats()).toMatchObject({ readingsHot: 100, lastCommit: now });
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      now = NOON + HOUR_MS;
      await record.append([at(101)]);
      await expect
        .poll(() => record.stats())
        .toMatchObject({ readingsHot: 0, frames: { last: 2, packed: 2 } });
      expect(valuesIn(record)).toEqual(range(1, 101));
      await record.append([at(50, NOON + 50_000), at(102)]);
      expect(valuesIn(record)).toEqual(range(1, 102));
    }
    await using record = await openRecord(options);
    expect(valuesIn(record)).toEqual(range(1, 102));
    expect(record.stats().readingsHot).toBe(2);
  });

  it("is packed when it is much, while commits go on", async () => {
    await using record = await openRecord({ path });
    const size = 5_000;
    for (const commit of range(0, PACK_READINGS / size))
      await record.append(range(commit * size, commit * size + size - 1).map((value) => at(value)));
    await expect.poll(() => record.stats().frames.packed, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(record.stats().readingsHot).toBeLessThan(PACK_READINGS);
    expect(valuesIn(record).length).toBe(PACK_READINGS + size);
  }, 30_000);
});
