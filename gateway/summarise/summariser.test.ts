import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addMs,
  deviceId,
  HOUR_MS,
  instant,
  streamId,
  type Instant,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import { siteSchema } from "../site/schema.ts";
import { createSummariser, GRACE_MS, type Summariser } from "./summariser.ts";

/** 10:00 in Nairobi. */
const START = instant(Date.UTC(2026, 5, 15, 7, 0));
const MINUTE = 60_000;

const site: Site = {
  file: "site.yaml",
  ...siteSchema.parse({
    ...{
      id: "village",
      name: "Village",
      timeZone: "Africa/Nairobi",
      latitude: -1.52,
      longitude: 37.26,
      elevation: 1600,
    },
    members: [
      { id: "m1", name: "One" },
      { id: "m2", name: "Two" },
    ],
    devices: [
      {
        id: "grid1",
        device: "x",
        member: "m1",
        mounting: "grid",
        connection: { kind: "modbus-tcp", host: "h" },
      },
      {
        id: "sun1",
        device: "x",
        member: "m1",
        mounting: "solar",
        connection: { kind: "modbus-tcp", host: "h" },
      },
      {
        id: "grid2",
        device: "x",
        member: "m2",
        mounting: "grid",
        connection: { kind: "modbus-tcp", host: "h" },
      },
      {
        id: "sky",
        device: "x",
        member: "m2",
        mounting: "weather",
        connection: { kind: "modbus-tcp", host: "h" },
      },
    ],
    portal: { port: 0 },
  }),
};

const reading = (device: string, quantity: Quantity, time: Instant, value: number): Reading => ({
  stream: streamId(deviceId(device), quantity),
  time,
  value,
  quality: "ok",
});

describe("the summariser", () => {
  let folder: string;
  let store: RecordStore;
  let clock: ManualClock;
  let summariser: Summariser;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fieldwatt-summaries-"));
    store = await openRecord({ path: join(folder, "record.sqlite") });
    clock = new ManualClock(START);
    summariser = createSummariser(site, store, clock);
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const keep = async (readings: readonly Reading[]): Promise<void> => {
    await store.append(readings);
    summariser.observe(readings);
  };
  const summaries = (kind: string) =>
    store.read.prepare("SELECT member, key, summary FROM summary WHERE kind = ? ORDER BY id").all(kind);
  const energyOf = (member: string) =>
    summaries("energyInterval")
      .filter((row) => row.member === member)
      .map((row) => (JSON.parse(String(row.summary)) as { balance: object }).balance);

  /** A minute's registers of both houses: house 1 makes 10 Wh and sells 6 of them, house 2 draws 3 Wh. */
  const registers = (minute: number): Reading[] => {
    const time = addMs(START, minute * MINUTE);
    return [
      reading("grid1", "activeEnergyImport", time, 500),
      reading("grid1", "activeEnergyExport", time, 1000 + 6 * minute),
      reading("sun1", "activeEnergyExport", time, 2000 + 10 * minute),
      reading("grid2", "activeEnergyImport", time, 70 + 3 * minute),
    ];
  };

  it("closes a quarter hour when every register has been read beyond its end", async () => {
    for (let minute = 0; minute <= 15; minute++) await keep(registers(minute));
    await clock.advance(15 * MINUTE);
    await summariser.pass();
    expect(energyOf("m1")).toEqual([
      {
        import: 0,
        export: 90,
        production: 150,
        consumption: 60,
        selfConsumption: 60,
        charge: 0,
        discharge: 0,
      },
    ]);
    // A meter without an export register, in a house with nothing to export from.
    expect(energyOf("m2")).toEqual([
      { import: 45, export: 0, production: 0, consumption: 45, selfConsumption: 0, charge: 0, discharge: 0 },
    ]);
  });

  it("waits for a silent meter, then goes on without it: its house is unknown, not zero", async () => {
    for (let minute = 0; minute <= 26; minute++)
      await keep(registers(minute).filter((r) => !r.stream.startsWith("grid2")));
    await clock.advance(20 * MINUTE);
    await summariser.pass();
    expect(summaries("energyInterval")).toEqual([]);
    await clock.advance(GRACE_MS - 5 * MINUTE);
    await summariser.pass();
    expect([energyOf("m1").length, energyOf("m2").length]).toEqual([1, 0]);
  });

  it("goes on after a restart where it was, and fills the absence exactly", async () => {
    for (let minute = 0; minute <= 16; minute++) await keep(registers(minute));
    await clock.advance(16 * MINUTE);
    await summariser.pass();
    // An hour without anybody listening; the registers have gone on.
    await clock.advance(60 * MINUTE);
    summariser = createSummariser(site, store, clock);
    await keep(registers(76));
    await summariser.pass();
    const imported = energyOf("m2").map((balance) => (balance as { import: number }).import);
    expect(imported.length).toBe(5);
    // 75 minutes at 3 Wh.
    expect(imported.reduce((a, b) => a + b)).toBe(225);
    const provenance = store.read
      .prepare("SELECT provenance FROM interval WHERE stream LIKE 'grid2%' ORDER BY start")
      .all();
    expect(provenance.map((row) => row.provenance)).toEqual([
      "counted",
      "filled",
      "filled",
      "filled",
      "filled",
    ]);
  });

  it("closes yesterday's farm day when a backlog has come to rest, not while it arrives", async () => {
    const yesterday = addMs(START, -10 * HOUR_MS - 24 * HOUR_MS);
    const hours = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        reading("sky", "airTemperature", addMs(yesterday, (from + i) * HOUR_MS), 10 + ((from + i) % 24)),
      );
    await clock.advance(GRACE_MS);
    await keep(hours(0, 12));
    await summariser.pass();
    expect(summaries("farmDay")).toEqual([]);
    await clock.advance(GRACE_MS / 2);
    await keep(hours(12, 24));
    await clock.advance(GRACE_MS);
    await summariser.pass();
    const [day] = summaries("farmDay");
    expect(day?.key).toBe("2026-06-14");
    const { farm } = JSON.parse(String(day?.summary)) as { farm: Record<string, number> };
    expect(farm).toEqual({ airTemperatureMin: 10, airTemperatureMax: 33, coverage: 1 });
  });

  it("looks at a farm day again when data of it comes after it was closed", async () => {
    const yesterday = addMs(START, -10 * HOUR_MS - 24 * HOUR_MS);
    const at = (hour: number, value: number) =>
      reading("sky", "airTemperature", addMs(yesterday, hour * HOUR_MS), value);
    await clock.advance(GRACE_MS);
    await keep(Array.from({ length: 24 }, (_, hour) => at(hour, 20)));
    await clock.advance(GRACE_MS);
    await summariser.pass();
    expect(summaries("farmDay")).toHaveLength(1);
    await keep([reading("sky", "airTemperature", addMs(yesterday, 5 * HOUR_MS + 1), 3)]);
    await clock.advance(GRACE_MS);
    await summariser.pass();
    const [day] = summaries("farmDay");
    const { farm } = JSON.parse(String(day?.summary)) as { farm: Record<string, number> };
    expect(farm.airTemperatureMin).toBe(3);
    const old = store.read.prepare("SELECT content FROM summary_version").all();
    expect(old.map(({ content }) => JSON.parse(String(content)).farm.airTemperatureMin)).toEqual([20]);
  });
});
