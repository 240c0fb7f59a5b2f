import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import { openLog } from "../../platform/log.ts";
import { fakeFeed } from "../../test/support/feed.ts";
import { influxdIsMissing, openInfluxd, type Influxd } from "../../test/support/influxd.ts";
import { FEED_START, type FeedCursor } from "../record/feed.ts";
import { openFollower, type Follower } from "./follow.ts";
import { influxTarget } from "./influxdb.ts";
import { sinksSchema } from "./settings.ts";

const missing = influxdIsMissing();
const NOON = Date.UTC(2026, 5, 15, 12);
const METER = deviceId("meter-1");
const site = {
  devices: [{ id: "meter-1", member: "house-01", mounting: "grid" }],
} as unknown as Parameters<typeof influxTarget>[0]["site"];

let folder: string;
let influxd: Influxd;
beforeAll(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-influxd-"));
  influxd = await openInfluxd(folder);
});
afterAll(async () => {
  if (missing) return;
  await influxd.stop();
  await rm(folder, { recursive: true });
});

const power = (at: number, value = at, more: Partial<Reading> = {}): Reading => ({
  stream: streamId(METER, "activePower"),
  time: instant(NOON + at * 1_000),
  value,
  quality: "ok",
  ...more,
});
const range = (from: number, to: number): Reading[] =>
  Array.from({ length: to - from }, (_, i) => power(from + i));

interface Run {
  readonly follower: Follower;
  readonly saved: FeedCursor[];
  readonly lines: string[];
}

function follow(feed: ReturnType<typeof fakeFeed>, database: string, cursor: FeedCursor = FEED_START): Run {
  const { influxdb: settings } = sinksSchema.parse({
    influxdb: { url: influxd.url, database, batch: 1_000 },
  });
  const lines: string[] = [];
  const saved: FeedCursor[] = [];
  const log = openLog("test", { write: (line) => void lines.push(line) });
  if (!settings) throw new Error("no settings");
  const follower = openFollower({
    name: "influxdb",
    feed,
    target: influxTarget({ site, settings, password: undefined, log }),
    cursor,
    save: async (at) => void saved.push(at),
    batch: settings.batch,
    gatherMs: 10,
    committed: feed.committed,
    now: () => instant(NOON),
    log,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
  });
  return { follower, saved, lines };
}

const written = async (database: string): Promise<number[]> =>
  (await influxd.query(database, "SELECT value FROM activePower"))
    .map(({ values }) => Number(values["value"]))
    .sort((a, b) => a - b);
const soon = { timeout: 15_000, interval: 50 };

describe.skipIf(missing)("with a real InfluxDB 1.x", () => {
  it("writes a history, then what comes, with the quantity as measurement and tags that say whose it is", async () => {
    const feed = fakeFeed();
    feed.commit(range(0, 2_500));
    await using run = follow(feed, "history").follower;
    await expect.poll(() => run.state().written, soon).toBe(2_500);
    feed.commit([power(-600), { ...power(1), stream: streamId(METER, "voltage", "L1"), value: 230.25 }]);
    await expect.poll(() => run.state().written, soon).toBe(2_502);
    expect(await written("history")).toEqual([-600, ...range(0, 2_500).map(({ value }) => value)]);
    const [row] = await influxd.query("history", "SELECT * FROM voltage");
    expect(row?.values).toEqual({
      time: String(BigInt(NOON + 1_000) * 1_000_000n),
      value: 230.25,
      device: "meter-1",
      member: "house-01",
      mounting: "grid",
      channel: "L1",
      quality: "ok",
    });
    expect(run.state()).toMatchObject({ connected: true, behind: 0, behindSeconds: 0, refused: 0 });
  });

  it("keeps readings of one millisecond apart by their sequence, and a repeat as one", async () => {
    const feed = fakeFeed();
    const [first, second] = [power(0, 1, { sequence: 7 }), power(0, 2, { sequence: 8 })];
    feed.commit([first, second, first]);
    await using run = follow(feed, "sequences").follower;
    await expect.poll(() => run.state().written, soon).toBe(3);
    expect(await written("sequences")).toEqual([1, 2]);
  });

  it("holds what comes while InfluxDB is dead, says so, and brings each reading once when it is back", async () => {
    const feed = fakeFeed();
    feed.commit(range(0, 100));
    await using run = follow(feed, "outage").follower;
    await expect.poll(() => run.state().written, soon).toBe(100);
    await influxd.stop();
    for (let i = 100; i < 4_000; i += 100) feed.commit(range(i, i + 100));
    await expect.poll(() => run.state().connected, soon).toBe(false);
    await expect.poll(() => run.state().behind, soon).toBe(3_900);
    expect(run.state().fault?.message).toContain("ECONNREFUSED");
    await influxd.start();
    await expect.poll(() => run.state().written, soon).toBe(4_000);
    expect(await written("outage")).toEqual(range(0, 4_000).map(({ value }) => value));
  });

  it("goes on at the cursor that it kept, and what it repeats after a crash is still there once", async () => {
    const feed = fakeFeed();
    for (let i = 0; i < 3_000; i += 100) feed.commit(range(i, i + 100));
    const first = follow(feed, "resumed");
    await expect.poll(() => first.follower.state().written, soon).toBe(3_000);
    await first.follower[Symbol.asyncDispose]();
    expect(first.saved).toEqual(["30"]);
    // As after kill -9: the last cursor that was kept is an older one.
    await using again = follow(feed, "resumed", "20").follower;
    await expect.poll(() => again.state().written, soon).toBe(1_000);
    expect(await written("resumed")).toEqual(range(0, 3_000).map(({ value }) => value));
  });

  it("names a point that InfluxDB will never take, and does not stay with it", async () => {
    const feed = fakeFeed();
    await influxd.query("_internal", "CREATE DATABASE poison");
    const integer = `voltage,device=meter-1,member=house-01,mounting=grid,quality=ok value=230i ${NOON}000000`;
    await fetch(`${influxd.url}/write?db=poison`, { method: "POST", body: integer });
    const poison: Reading = { ...power(500), stream: streamId(METER, "voltage") };
    feed.commit([...range(0, 500), poison, ...range(500, 900)]);
    const { follower, lines } = follow(feed, "poison");
    await using run = follower;
    await expect.poll(() => run.state().written, soon).toBe(900);
    expect(run.state()).toMatchObject({ connected: true, refused: 1 });
    expect(await written("poison")).toEqual(range(0, 900).map(({ value }) => value));
    const named = lines.filter((line) => line.includes("InfluxDB refuses a reading"));
    expect(named).toHaveLength(1);
    expect(named[0]).toContain("meter-1/voltage");
    expect(named[0]).toContain("field type conflict");
  });
});
