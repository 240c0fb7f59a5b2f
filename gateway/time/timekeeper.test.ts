import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  deviceId,
  instant,
  memberId,
  streamId,
  type EnergyBalance,
  type Reading,
} from "../../domain/model/index.ts";
import { keeper } from "../acquire/keep.ts";
import { openRecord } from "../record/open.ts";
import { openForWriting } from "../record/sqlite.ts";
import type { RecordStore } from "../record/store.ts";
import { timeCommands, UNDATED_MAX } from "./commands.ts";
import { clockEvents } from "./events.ts";
import { giveOrder } from "./orders.ts";
import { Timekeeper } from "./timekeeper.ts";
import { undatedBoots } from "./undated.ts";

/** True time is NOON + the uptime of the first boot; what the machine's own clock says of it is up to each test. */
const NOON = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;
const meter = deviceId("meter");
const stream = streamId(meter, "activeEnergyImport");
const placement = { device: meter, mounting: "grid", reversed: false, generator: false } as const;
const log = { info: () => undefined, warn: () => undefined, error: (a: object) => void faults.push(a) };

let folder: string;
let store: RecordStore;
let faults: object[];
const machine = { boot: "boot-1", up: 0, ahead: 0, synchronised: true };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-time-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  Object.assign(machine, { boot: "boot-1", up: 10_000, ahead: 0, synchronised: true });
  faults = [];
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

const start = (over: Partial<RecordStore> = {}): Timekeeper =>
  new Timekeeper({
    machine: {
      boot: machine.boot,
      uptime: () => machine.up,
      wall: () => NOON + machine.up + machine.ahead,
      ntp: () => Promise.resolve({ service: true, synchronised: machine.synchronised }),
      rtcAgrees: () => false,
    },
    store: { ...store, ...over },
    trust: "system",
    folder,
    log,
  });
const keepWith = (time: Timekeeper) => {
  const kept: Reading[] = [];
  const keep = keeper({
    store,
    clock: time.clock,
    log,
    time: time.reading,
    onKept: (_, readings) => void kept.push(...readings),
  });
  return {
    kept,
    say: (value: number) =>
      keep(placement, { samples: [{ quantity: "activeEnergyImport", value }], problems: [] }),
  };
};
const inRecord = (): (readonly [number, number, string])[] =>
  store.readings
    .between(stream, { from: instant(0), to: instant(NOON + 20_000 * DAY) })
    .map(({ time, value, quality }) => [time - NOON, value, quality] as const);

/** 1970 at the start, as on a Pi without a battery: two readings, then the time arrives, then one more. */
async function startIn1970(time: Timekeeper): Promise<void> {
  Object.assign(machine, { ahead: -NOON, synchronised: false });
  await time.look();
  const { say } = keepWith(time);
  await say(1);
  machine.up += 60_000;
  await say(2);
}
const timeArrives = async (time: Timekeeper): Promise<void> => {
  Object.assign(machine, { ahead: 0, synchronised: true });
  machine.up += 30_000;
  await time.look();
};

it("keeps readings without a time until it arrives, and dates them by it exactly", async () => {
  await using time = start();
  await startIn1970(time);
  expect([time.status(), inRecord()]).toMatchObject([{ state: "unset", undated: 2 }, []]);
  await timeArrives(time);
  await keepWith(time).say(3);
  expect([time.status().state, time.status().undated]).toEqual(["trusted", 0]);
  expect(inRecord()).toEqual([
    [10_000, 1, "estimated"],
    [70_000, 2, "estimated"],
    [100_000, 3, "ok"],
  ]);
});

it("dates what an earlier process of the same boot had kept", async () => {
  await startIn1970(start());
  machine.up += 5_000;
  await using time = start();
  await timeArrives(time);
  expect(inRecord().map(([at]) => at)).toEqual([10_000, 70_000]);
});

it.each(["before", "after"] as const)(
  "loses nothing and doubles nothing where it is cut off while it dates, %s the rows are gone",
  async (when) => {
    let cut = true;
    const run: RecordStore["run"] = async (name, input) => {
      const dropping = name === "dropUndated" && cut;
      if (dropping && when === "before") throw new Error("cut off");
      const result = await store.run(name, input);
      if (dropping) throw new Error("cut off");
      return result;
    };
    const first = start({ run });
    await startIn1970(first);
    await timeArrives(first);
    expect(faults.splice(0)).toHaveLength(1);
    cut = false;
    machine.up += 1_000;
    await using time = start();
    await time.look();
    expect(time.status().undated).toBe(0);
    expect(inRecord().map(([at, value]) => [at, value])).toEqual([
      [10_000, 1],
      [70_000, 2],
    ]);
  },
);

it("never gives a time of its own to readings of a boot that knew none; a person may, within what is known", async () => {
  await startIn1970(start());
  Object.assign(machine, { boot: "boot-2", up: 500, ahead: 3_600_000, synchronised: true });
  await using time = start();
  await time.look();
  expect([inRecord(), time.status().undated]).toEqual([[], 2]);
  const [waiting] = undatedBoots(store.read);
  expect(waiting).toMatchObject({ boot: "boot-1", readings: 2, first: 10_000, last: 70_000 });
  expect(waiting?.before).toBe(NOON + 3_600_000);
  const date = (bootTime: number) => time.obey({ kind: "date", boot: "boot-1", bootTime });
  await expect(date(NOON + 3_600_000)).rejects.toMatchObject({ code: "CLOCK_REFUSED" });
  await date(NOON);
  expect([inRecord().map(([at]) => at), time.status().undated]).toEqual([[10_000, 70_000], 0]);
});

it("gives readings up where a person says so", async () => {
  await startIn1970(start());
  await using time = start();
  await time.obey({ kind: "discard", boot: "boot-1" });
  expect([inRecord(), time.status().undated]).toEqual([[], 0]);
});

it.each([-DAY, DAY, 3_652 * DAY, -NOON])("keeps the order of readings over a jump of %i ms", async (jump) => {
  await using time = start();
  await time.look();
  const { say } = keepWith(time);
  await say(1);
  machine.up += 10_000;
  Object.assign(machine, { ahead: jump, synchronised: false });
  await time.look();
  await say(2);
  expect(time.status().state).toBe("jumped");
  machine.ahead = 0;
  machine.up += 10_000;
  await time.look();
  await say(3);
  expect(inRecord()).toEqual([
    [10_000, 1, "ok"],
    [20_000, 2, "estimated"],
    [30_000, 3, "ok"],
  ]);
  expect(clockEvents(store.read).map(({ state }) => state)).toEqual(["trusted", "jumped", "trusted"]);
});

it("follows a confirmed jump, and says by how much", async () => {
  await using time = start();
  await time.look();
  machine.ahead = DAY;
  machine.up += 10_000;
  await time.look();
  expect([time.clock.now() - NOON, time.corrections, time.leap()]).toEqual([
    20_000 + DAY,
    1,
    NOON + 20_000 + DAY,
  ]);
  machine.ahead = 0;
  await time.look();
  expect([time.clock.now() - NOON, time.corrections]).toEqual([20_000, 2]);
  expect(clockEvents(store.read).map(({ corrected }) => corrected)).toEqual([-DAY, DAY, undefined]);
});

it("withdraws what was summed up from wrong times, unless it has left, and closes the true quarter hours anew", async () => {
  machine.ahead = DAY;
  await using time = start();
  await time.look();
  const slot = (i: number) => instant(NOON + DAY + i * 900_000);
  const balance = Object.fromEntries(
    ["import", "export", "production", "consumption", "charge", "discharge", "selfConsumption"].map((k) => [
      k,
      0,
    ]),
  ) as unknown as EnergyBalance;
  const summaryAt = (i: number) => ({
    key: String(slot(i)),
    time: slot(i),
    summary: {
      kind: "energyInterval",
      member: memberId("m"),
      start: slot(i),
      balance,
      provenance: "counted",
    } as const,
  });
  await store.run("saveSummaries", {
    intervals: [],
    summaries: [summaryAt(1), summaryAt(2)],
    progress: { energy: slot(3) },
  });
  using other = new DatabaseSync(join(folder, "record.sqlite"));
  other.exec(`INSERT INTO release (sequence, summary, member, subject, offer, recipient, released, item)
    SELECT 1, id, 'm', 's', 'o', 'hub', ${slot(2)}, '{}' FROM summary WHERE time = ${slot(1)}`);
  machine.up += 3 * 900_000;
  machine.ahead = 0;
  await time.look();
  expect([time.corrections, time.clock.now()]).toEqual([1, NOON + machine.up]);
  const left = store.read.prepare("SELECT time FROM summary").all();
  expect(left.map((row) => row.time)).toEqual([slot(1)]);
  const progress = store.read.prepare("SELECT value FROM progress WHERE name = 'energy'").get();
  expect(progress?.value).toBe(NOON);
});

it("goes on by itself after a restart in the same boot, though the machine's clock says 1970", async () => {
  await start().look();
  machine.up += 60_000;
  Object.assign(machine, { ahead: -NOON, synchronised: false });
  await using time = start();
  await time.look();
  expect([time.clock.trusted(), time.clock.now(), time.status().state]).toEqual([
    true,
    NOON + 70_000,
    "jumped",
  ]);
});

it("is never earlier than the newest entry of the record, and never runs back when the time arrives", async () => {
  await store.append([{ stream, time: instant(NOON), value: 1, quality: "ok" }]);
  Object.assign(machine, { ahead: -NOON, synchronised: false });
  await using time = start();
  await time.look();
  machine.up += 2_000;
  const before = time.clock.now();
  expect([before, time.clock.trusted()]).toEqual([NOON + 2_000, false]);
  await timeArrives(time);
  expect(time.clock.now()).toBe(NOON + 42_000);
});

it("takes a person's word from the command line, except one that the record knows to be wrong", async () => {
  await store.append([{ stream, time: instant(NOON), value: 1, quality: "ok" }]);
  Object.assign(machine, { ahead: -NOON, synchronised: false });
  await using time = start();
  const say = (ahead: number, earlier = false) =>
    giveOrder(folder, {
      kind: "set",
      boot: "boot-1",
      uptime: machine.up,
      time: NOON + machine.up + ahead,
      earlier,
    });
  await say(-DAY);
  await expect(say(0)).rejects.toMatchObject({ code: "CLOCK_REFUSED" });
  await time.look();
  expect(time.status().state).toBe("unset");
  await say(0);
  machine.up += 3_000;
  await time.look();
  expect([time.status(), time.clock.now()]).toMatchObject([
    { state: "trusted", source: "operator" },
    NOON + 13_000,
  ]);
  await say(-DAY, true);
  await time.look();
  expect(time.clock.now()).toBe(NOON + 13_000 - DAY);
});

it(`takes no more than ${UNDATED_MAX} readings without a time, and says so`, () => {
  using db = openForWriting(join(folder, "another.sqlite"));
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${UNDATED_MAX - 1})
    INSERT INTO undated (boot, uptime, stream, value, quality) SELECT 'b', i, 's', 1, 'ok' FROM n`);
  const one = { uptime: 1, stream: "s", value: 1, quality: "ok" } as const;
  timeCommands.keepUndated(db, { boot: "b", readings: [one] });
  expect(() => timeCommands.keepUndated(db, { boot: "b", readings: [one] })).toThrow(/wait for the time/);
});
