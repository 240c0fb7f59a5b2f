import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deviceId, HOUR_MS, instant, streamId, type Day, type Quality } from "../../domain/model/index.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { daysToSpan, everything, streamsOfMember } from "./choice.ts";
import { exportChunks, type ExportFormat } from "./lines.ts";

/** 25 October 2026 in Brussels: at 03:00 summer time (01:00Z) clocks go back to 02:00 (Directive 2000/84/EC, art. 3). */
const BRUSSELS = "Europe/Brussels";
const SET_BACK = Date.UTC(2026, 9, 25, 1);
const [grid, soil, other] = [deviceId("house-01-grid"), deviceId("house-01-soil"), deviceId("house-02-grid")];

let folder: string;
let store: RecordStore;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-export-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  const reading = (
    stream: ReturnType<typeof streamId>,
    time: number,
    value: number,
    quality: Quality = "ok",
  ) => ({
    stream,
    time: instant(time),
    value,
    quality,
  });
  await store.append([
    reading(streamId(grid, "activePower"), SET_BACK + HOUR_MS / 2, -812.5),
    reading(streamId(grid, "activePower"), SET_BACK - HOUR_MS / 2, 96),
    { ...reading(streamId(soil, "soilMoisture", '10 cm, "left"'), SET_BACK, 0.31, "estimated"), sequence: 7 },
    reading(streamId(other, "activePower"), SET_BACK, 1),
  ]);
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const site = {
  devices: [
    { id: grid, member: "house-01" },
    { id: soil, member: "house-01" },
    { id: other, member: "house-02" },
  ],
};
function lines(format: ExportFormat, day = "2026-10-25"): string[] {
  const streams = streamsOfMember(store.readings, site as never, "house-01");
  const span = daysToSpan({ first: day as Day, last: day as Day }, BRUSSELS);
  const options = { readings: store.readings, streams, ...span, format, timeZone: BRUSSELS, site: "kijiji" };
  return [...exportChunks(options)].join("").split("\n");
}

it("writes a member's day as CSV: both clocks, units and qualities, in order of time, on the night of 25 hours", () => {
  expect(lines("csv")).toEqual([
    "time UTC,time Europe/Brussels,device,quantity,channel,value,unit,quality,sequence",
    "2026-10-25T00:30:00.000Z,2026-10-25T02:30:00.000+02:00,house-01-grid,activePower,,96,W,ok,",
    '2026-10-25T01:00:00.000Z,2026-10-25T02:00:00.000+01:00,house-01-soil,soilMoisture,"10 cm, ""left""",0.31,m³/m³,estimated,7',
    "2026-10-25T01:30:00.000Z,2026-10-25T02:30:00.000+01:00,house-01-grid,activePower,,-812.5,W,ok,",
    "",
  ]);
});

it("writes the same as JSON lines, under a head that says what they are", () => {
  const [head = "", ...rows] = lines("jsonl").slice(0, -1);
  expect(JSON.parse(head)).toMatchObject({
    format: "fieldwatt-readings",
    timeZone: BRUSSELS,
    // 25 hours: 22:00Z is midnight in summer time, 23:00Z in winter time.
    from: "2026-10-24T22:00:00.000Z",
    to: "2026-10-25T23:00:00.000Z",
    streams: [
      { stream: "house-01-grid/activePower", unit: "W" },
      { device: "house-01-soil", unit: "m³/m³" },
    ],
  });
  expect(rows.map((row) => JSON.parse(row).value)).toEqual([96, 0.31, -812.5]);
  expect(JSON.parse(rows[1] ?? "")).toEqual({
    time: "2026-10-25T01:00:00.000Z",
    local: "2026-10-25T02:00:00.000+01:00",
    stream: 'house-01-soil/soilMoisture/10 cm, "left"',
    value: 0.31,
    unit: "m³/m³",
    quality: "estimated",
    sequence: 7,
  });
});

it("has its head alone for a day without readings", () => {
  expect(lines("csv", "2026-10-27")).toHaveLength(2);
});

it("takes a range of days that is given backwards for the same range", () => {
  const [first, last] = ["2026-10-20" as Day, "2026-10-25" as Day];
  expect(daysToSpan({ first: last, last: first }, BRUSSELS)).toEqual(daysToSpan({ first, last }, BRUSSELS));
});

it("counts to everything what bears a time to come", () => {
  const streams = streamsOfMember(store.readings, site as never, "house-01");
  expect(everything(store.readings, streams, instant(0))).toEqual({
    from: SET_BACK - HOUR_MS / 2,
    to: SET_BACK + HOUR_MS / 2 + 1,
  });
});

it("hands on pieces of bounded size, however long the export is", async () => {
  const stream = streamId(deviceId("long"), "activePower");
  const readings = Array.from({ length: 4_000 }, (_, i) => ({
    ...{ stream, time: instant(i * 10_000), value: i, quality: "ok" as const },
  }));
  await store.append(readings);
  const options = {
    from: instant(0),
    to: instant(1e9),
    format: "csv" as const,
    timeZone: "UTC",
    site: "kijiji",
  };
  const chunks = [...exportChunks({ readings: store.readings, streams: [stream], ...options })];
  expect(Math.max(...chunks.map((chunk) => chunk.split("\n").length))).toBeLessThanOrEqual(501);
  expect(chunks.join("").split("\n")).toHaveLength(4_000 + 2);
});
