import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading, type StreamId } from "../../../domain/model/index.ts";
import { openKept, type Kept } from "../fixtures/kept.ts";
import { openReadings } from "../open-readings.ts";
import { rollUpDay } from "../rollups/day.ts";
import { transact } from "../transact.ts";
import { classOf } from "./classes.ts";
import { retireStep, type Retirement } from "./retire.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 15);
const power = streamId(deviceId("meter"), "activePower");
const energy = streamId(deviceId("meter"), "activeEnergyImport");
const air = streamId(deviceId("station"), "airTemperature");

let kept: Kept;
const progress = (name: string, value: number) =>
  kept.db.prepare("INSERT OR REPLACE INTO progress (name, value) VALUES (?, ?)").run(name, value);

/** Two days, an hour apart; rolled up, summarised, nothing on its way out. */
beforeEach(() => {
  kept = openKept();
  const readings = [power, energy, air].flatMap((stream) =>
    Array.from({ length: 48 }, (_, hour): Reading => ({
      stream,
      time: instant(START + hour * HOUR),
      value: hour,
      quality: "ok",
    })),
  );
  kept.keep(readings);
  kept.pack();
  for (const device of [1, 2])
    for (const from of [START, START + DAY]) rollUpDay(kept.db, { device, from, to: from + DAY, after: -1 });
  kept.db.exec("DELETE FROM touched");
  progress("energy", START + 2 * DAY);
  progress("farm m1", START + 2 * DAY);
});
afterEach(() => kept[Symbol.dispose]());

const retire = (order: Partial<Retirement> = {}): number => {
  const whole = { class: "power", before: START + DAY, farms: ["m1"], ...order } as const;
  let readings = 0;
  for (let more = true; more;) {
    const step = transact(kept.db, () => retireStep(kept.db, whole));
    readings += step.readings;
    more = step.more;
  }
  return readings;
};
const left = (stream: StreamId): number =>
  openReadings({ read: kept.db }).between(stream, { from: instant(0), to: instant(9e12) }).length;

describe("retention", () => {
  it("deletes the readings of one class before a time, counts them, and nothing else", () => {
    expect(retire()).toBe(24);
    expect([left(power), left(energy), left(air)]).toEqual([24, 48, 48]);
    expect(retire()).toBe(0);
    expect(kept.db.prepare("SELECT * FROM retired").all()).toEqual([
      { class: "power", through: START + DAY, readings: 24 },
    ]);
  });

  it("keeps the roll-ups of what is gone, also by quarter hour", () => {
    const span = { from: instant(START), to: instant(START + DAY) };
    const ask = (step: "quarter" | "day") => openReadings({ read: kept.db }).rollUps(power, span, step);
    const before = [ask("day"), ask("quarter")];
    retire();
    expect([ask("day"), ask("quarter")]).toEqual(before);
    expect(ask("quarter")).toHaveLength(24);
  });

  it("does not roll a day up anew from what is left of it", () => {
    retire();
    kept.keep([{ stream: power, time: instant(START + HOUR + 1), value: 999, quality: "ok" }]);
    kept.pack();
    rollUpDay(kept.db, { device: 1, from: START, to: START + DAY, after: -1 });
    expect(
      kept.db.prepare("SELECT count, max FROM rollup WHERE stream = 1 AND start = ?").get(START),
    ).toEqual({ count: 24, max: 23 });
  });

  it("deletes what came late for a day that is done", () => {
    retire();
    kept.keep([{ stream: power, time: instant(START + HOUR + 1), value: 999, quality: "ok" }]);
    kept.pack();
    expect(left(power)).toBe(25);
    rollUpDay(kept.db, { device: 1, from: START, to: START + DAY, after: -1 });
    kept.db.exec("DELETE FROM touched");
    expect(retire()).toBe(1);
    expect([left(power), left(energy), retire()]).toEqual([24, 48, 0]);
  });

  const summary = (decided: number) =>
    kept.db.exec(`INSERT INTO summary (id, kind, member, key, time, summary, decided)
      VALUES (1, 'energyInterval', 'm1', 'k', ${START + 6 * HOUR}, '{}', ${decided})`);
  it.each<[string, () => void, Partial<Retirement>, number]>([
    ["before the summariser has come by", () => progress("energy", START + 10 * HOUR), {}, 10],
    ["while nothing was ever summarised", () => kept.db.exec("DELETE FROM progress"), {}, 0],
    ["before a summary is decided", () => summary(0), {}, 6],
    [
      "before a release is receipted",
      () => {
        summary(1);
        kept.db
          .exec(`INSERT INTO release (sequence, summary, member, subject, offer, recipient, released, item)
          VALUES (1, 1, 'm1', 's', 'o', 'r', 0, '{}'); INSERT INTO outbox (sequence, item) VALUES (1, '{}')`);
      },
      {},
      6,
    ],
    ["before its day is rolled up", () => kept.db.exec(`INSERT INTO touched VALUES (2, ${START})`), {}, 0],
    [
      "before late data are looked at",
      () =>
        kept.db.exec(
          `INSERT INTO reopened (device, "from", "to", touched) VALUES ('meter', ${START + 3 * HOUR}, ${START + 4 * HOUR}, 0)`,
        ),
      {},
      3,
    ],
    [
      "of a farm whose days are not made",
      () => progress("farm m1", START + 5 * HOUR),
      { class: "weather" },
      5,
    ],
    ["of a farm that has no day yet", () => undefined, { class: "weather", farms: ["m1", "m2"] }, 0],
  ])("deletes nothing %s", (_, prepare, order, deleted) => {
    prepare();
    expect(retire(order)).toBe(deleted);
  });
});

it.each([
  ["m/activePower/L1", "power"],
  ["m/voltage", "power"],
  ["m/activeEnergyExport", "energy"],
  ["w/rainfall", "weather"],
  ["p/soilMoisture", "soil"],
  ["t/tankLevel", "water"],
  ["b/stateOfCharge", "other"],
  ["x", "other"],
] as const)("%s is of the class %s", (stream, name) => {
  expect(classOf(stream)).toBe(name);
});
