import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  addMs,
  deviceId,
  instant,
  streamId,
  type Instant,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { fakeFeed, type FakeFeed } from "../../test/support/feed.ts";
import { openCsvTarget, SPAN_MS, type CsvTarget } from "./csv.ts";
import { openFollower } from "./follow.ts";

let folder: string;
let clock: ManualClock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-csv-"));
  clock = new ManualClock(instant(Date.UTC(2026, 5, 15, 12)));
});
afterEach(() => rm(folder, { recursive: true }));

const DAY_MS = 86_400_000;
const reading = (
  time: number,
  value: number,
  what: Partial<Reading> & { quantity?: Quantity } = {},
): Reading => {
  const { quantity = "activePower", ...more } = what;
  return {
    stream: streamId(deviceId("meter-1"), quantity),
    time: instant(time),
    value,
    quality: "ok",
    ...more,
  };
};
const open = (more: Partial<Parameters<typeof openCsvTarget>[0]> = {}): Promise<CsvTarget> =>
  openCsvTarget({ folder, zone: "Africa/Nairobi", clock, gzip: true, keepDays: 30, ...more });
const { signal } = new AbortController();
const text = (day: string): string => readFileSync(join(folder, "meter-1", `${day}.csv`), "utf8");
const linesOf = (day: string): string[] => text(day).trimEnd().split("\n").slice(1);

/** Writes all that the feed has after the target's cursor. */
async function drain(feed: FakeFeed, target: CsvTarget): Promise<void> {
  const batch = feed.after(target.cursor, 1_000);
  await target.write(batch, signal);
}

// Rows written out by hand after the site's zone: Nairobi is UTC+3; Berlin's clock went back on 25 October 2026 at
// 01:00Z from 03:00 to 02:00 (IANA tzdata, rule EU).
it.each([
  [
    "Africa/Nairobi",
    Date.UTC(2026, 5, 14, 21),
    "2026-06-15",
    "2026-06-15T00:00:00.000+03:00,voltage,L1,230.5,V,ok,",
  ],
  [
    "Africa/Nairobi",
    Date.UTC(2026, 5, 14, 20, 59, 59, 999),
    "2026-06-14",
    "2026-06-14T23:59:59.999+03:00,voltage,L1,230.5,V,ok,",
  ],
  [
    "Europe/Berlin",
    Date.UTC(2026, 9, 25, 0, 30),
    "2026-10-25",
    "2026-10-25T02:30:00.000+02:00,voltage,L1,230.5,V,ok,",
  ],
  [
    "Europe/Berlin",
    Date.UTC(2026, 9, 25, 1, 30),
    "2026-10-25",
    "2026-10-25T02:30:00.000+01:00,voltage,L1,230.5,V,ok,",
  ],
  [
    "America/St_Johns",
    Date.UTC(2026, 0, 1, 12),
    "2026-01-01",
    "2026-01-01T08:30:00.000-03:30,voltage,L1,230.5,V,ok,",
  ],
])(
  "in %s writes the instant %d on its civil day, in local time with its offset",
  async (zone, time, day, line) => {
    await using target = await open({ zone, keepDays: 10_000 });
    const stream = streamId(deviceId("meter-1"), "voltage", "L1");
    await target.write({ readings: [reading(time, 230.5, { stream })], cursor: "1" }, signal);
    expect(text(day)).toBe(`time,quantity,channel,value,unit,quality,sequence\n${line}\n`);
  },
);

const NOON = Date.UTC(2026, 5, 15, 9);

it("writes what is late or comes again once", async () => {
  const feed = fakeFeed();
  feed.commit([reading(NOON, 1), reading(NOON + 2_000, 3)]);
  feed.commit([reading(NOON + 1_000, 2, { quality: "estimated" }), reading(NOON, 1)]);
  feed.commit([
    reading(NOON, 1),
    reading(NOON, 1, { sequence: 4 }),
    reading(NOON + 1_000, 2, { quality: "estimated" }),
  ]);
  await using target = await open();
  for (const batch of [0, 1, 2])
    await target.write({ ...feed.after(String(batch), 1), cursor: String(batch + 1) }, signal);
  expect(linesOf("2026-06-15")).toEqual([
    "2026-06-15T12:00:00.000+03:00,activePower,,1,W,ok,",
    "2026-06-15T12:00:02.000+03:00,activePower,,3,W,ok,",
    "2026-06-15T12:00:01.000+03:00,activePower,,2,W,estimated,",
    "2026-06-15T12:00:00.000+03:00,activePower,,1,W,ok,4",
  ]);
});

it.each([
  ["nothing more was written", ""],
  ["the last line was torn", "2026-06-15T12:34:5"],
  ["whole lines followed that no state tells of", "2026-06-15T12:00:01.000+03:00,activePower,,1,W,ok,\n"],
])("after a crash in which %s, the file has each reading once", async (_, tail) => {
  const feed = fakeFeed();
  const values = Array.from({ length: 60 }, (__, i) => i);
  let passed = 0;
  const first = await open({ monotonic: () => passed });
  feed.commit(values.slice(0, 20).map((i) => reading(NOON + i * 1_000, i)));
  await drain(feed, first);
  passed += SPAN_MS;
  feed.commit(values.slice(20, 30).map((i) => reading(NOON + i * 1_000, i)));
  await drain(feed, first);
  feed.commit(values.slice(30, 40).map((i) => reading(NOON + i * 1_000, i)));
  await drain(feed, first);
  // No word of goodbye: as after kill -9.
  appendFileSync(join(folder, "meter-1", "2026-06-15.csv"), tail);
  feed.commit(values.slice(40).map((i) => reading(NOON + i * 1_000, i)));
  await using second = await open();
  expect(second.cursor).toBe("2");
  await drain(feed, second);
  expect(linesOf("2026-06-15").map((line) => Number(line.split(",")[3]))).toEqual(values);
});

it("packs days that are over, unpacks one to which something late comes, and deletes what is not kept", async () => {
  const days = [-40, -31, -5, -2, -1, 0].map((back) => instant(NOON + back * DAY_MS));
  const write = async (times: readonly Instant[]): Promise<number> => {
    await using target = await open({ keepDays: 3_000 });
    return (await target.write({ readings: times.map((time) => reading(time, 7)), cursor: "1" }, signal))
      .refused;
  };
  await write(days);
  const files = (): string[] => readdirSync(join(folder, "meter-1")).sort();
  expect(files()).toEqual([
    "2026-05-06.csv.gz",
    "2026-05-15.csv.gz",
    "2026-06-10.csv.gz",
    "2026-06-13.csv.gz",
    "2026-06-14.csv",
    "2026-06-15.csv",
  ]);
  const late = addMs(instant(NOON - 5 * DAY_MS), 60_000);
  {
    await using target = await open();
    await target.write({ readings: [reading(late, 8), reading(NOON - 40 * DAY_MS, 9)], cursor: "2" }, signal);
    expect(linesOf("2026-06-10")).toHaveLength(2);
  }
  const packed = gunzipSync(readFileSync(join(folder, "meter-1", "2026-06-10.csv.gz"))).toString();
  expect(packed.trimEnd().split("\n")).toHaveLength(3);
  expect(files()).toEqual(
    ["2026-06-10.csv.gz", "2026-06-13.csv.gz", "2026-06-14.csv", "2026-06-15.csv"].toSorted(),
  );
});

it("takes the plain file where a crash left a day both plain and packed", async () => {
  {
    await using target = await open({ keepDays: 3_000 });
    await target.write({ readings: [reading(NOON - 5 * DAY_MS, 1)], cursor: "1" }, signal);
  }
  const file = join(folder, "meter-1", "2026-06-10.csv");
  const packed = readFileSync(`${file}.gz`);
  writeFileSync(file, gunzipSync(packed));
  await using target = await open();
  await target.write(
    { readings: [reading(NOON - 5 * DAY_MS, 1), reading(NOON - 5 * DAY_MS + 1, 2)], cursor: "2" },
    signal,
  );
  expect(linesOf("2026-06-10")).toHaveLength(2);
  expect(existsSync(`${file}.gz`)).toBe(false);
});

it("writes all of the record again when the files were taken away", async () => {
  const feed = fakeFeed();
  const log = openLog("test", { write: () => undefined });
  const target = await open();
  await using follower = openFollower({
    name: "csv",
    feed,
    target,
    cursor: target.cursor,
    batch: 1_000,
    gatherMs: 1,
    committed: feed.committed,
    now: () => clock.now(),
    log,
    pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  feed.commit([reading(NOON, 1)]);
  await expect.poll(() => follower.state().written).toBe(1);
  await rm(join(folder, "meter-1"), { recursive: true });
  feed.commit([reading(NOON + 1_000, 2)]);
  await expect.poll(() => existsSync(join(folder, "meter-1")) && linesOf("2026-06-15").length).toBe(2);
  expect(follower.state().fault?.message).toContain("shorter than it was");
});
