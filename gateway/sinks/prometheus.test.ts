import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  deviceId,
  instant,
  streamId,
  type DenyReason,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import type { DeviceState } from "../acquire/device-state.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { gatewayFigures } from "./figures.ts";
import { openMetrics, type MetricsOptions } from "./prometheus.ts";

let folder: string;
let store: RecordStore;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-metrics-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const device = (id: string, state: DeviceState["state"]): DeviceState => ({ id, state, failures: 0 });

const options = (): MetricsOptions => ({
  store,
  broker: { connectedUsers: () => ["a", "b"] },
  gate: { denials: new Map<DenyReason, number>([["noConsent", 7]]) },
  health: {
    devices: () => [device("m-1", "ok"), device("m-2", "ok"), device("m-3", "silent")],
    link: () => ({ connected: true }),
  },
  clock: new ManualClock(instant(Date.UTC(2026, 5, 15))),
});

it("counts what was committed, at the moment it is asked", async () => {
  const metrics = openMetrics(options());
  expect(await metrics.render()).toMatch(/^fieldwatt_readings_committed_total 0$/m);
  const stream = streamId(deviceId("m-1"), "voltage");
  await store.append(
    [1, 2, 3].map((time) => ({ stream, time: instant(time), value: 230, quality: "ok" as const })),
  );
  const text = await metrics.render();
  expect(text).toMatch(/^fieldwatt_readings_committed_total 3$/m);
  expect(text).toMatch(/^fieldwatt_commits_total 1$/m);
  expect(gatewayFigures(store)).toEqual({ readings: 3, released: 0, waiting: 0, answers: 0 });
});

// Lines by hand after prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".
it.each([
  ["the type of a counter", "# TYPE fieldwatt_denials_total counter"],
  ["denials by reason", 'fieldwatt_denials_total{reason="noConsent"} 7'],
  ["devices by state", 'fieldwatt_devices{state="ok"} 2'],
  ["states without a device", 'fieldwatt_devices{state="backingOff"} 0'],
  ["the outbox", "fieldwatt_outbox_items 0"],
  ["the hub", "fieldwatt_hub_connected 1"],
  ["the village broker", "fieldwatt_broker_users 2"],
  ["a healthy record", "fieldwatt_record_failing 0"],
])("tells %s, the same when asked twice", async (_, line) => {
  const metrics = openMetrics(options());
  await metrics.render();
  expect((await metrics.render()).split("\n")).toContain(line);
});

it("keeps the figures of two gateways in one process apart", async () => {
  openMetrics(options());
  const { broker: _, ...alone } = options();
  expect(await openMetrics(alone).render()).not.toContain("fieldwatt_broker_users");
});

const live: NonNullable<MetricsOptions["measured"]>["live"] = {
  latest: (id) => {
    const reading = (quantity: Quantity, value: number, quality: Reading["quality"] = "ok"): Reading => ({
      stream: streamId(id, quantity),
      time: instant(1),
      value,
      quality,
    });
    return [
      reading("activePower", 1_200),
      reading("activeEnergyImport", 2),
      reading("activeEnergyExport", -5),
      reading("stateOfCharge", 45),
      reading("voltage", 9_999, "implausible"),
      { ...reading("current", 5), stream: streamId(id, "current", 'L"1\\') },
    ];
  },
};
const devices = ["m-1", "m-3"].map((id) => ({ id, mounting: "grid", member: "house-01" }));
const withValues = (): MetricsOptions => ({
  ...options(),
  health: {
    ...options().health,
    sinks: {
      states: () => [
        { name: "influxdb", connected: true, behind: 7, behindSeconds: 3, written: 100, refused: 2 },
        { name: "csv", connected: false, behindSeconds: 0, written: 0, refused: 0 },
      ],
    },
  },
  measured: { devices, live } as unknown as NonNullable<MetricsOptions["measured"]>,
});

// Base units after prometheus.io/docs/practices/naming; 2 Wh are 7200 J.
it.each([
  ["power", 'fieldwatt_power_watts{device="m-1",mounting="grid",channel=""} 1200', true],
  [
    "a register in joules",
    'fieldwatt_energy_import_joules_total{device="m-1",mounting="grid",channel=""} 7200',
    true,
  ],
  ["a ratio", 'fieldwatt_state_of_charge_ratio{device="m-1",mounting="grid",channel=""} 0.45', true],
  [
    "a label with its quotes escaped",
    'fieldwatt_current_amperes{device="m-1",mounting="grid",channel="L\\"1\\\\"} 5',
    true,
  ],
  ["no value that cannot be true", "fieldwatt_voltage_volts{", false],
  ["no register below zero", "fieldwatt_energy_export_joules_total{", false],
  ["nothing of a device that is silent", 'device="m-3"', false],
  ["no member's name", "house-01", false],
  ["what waits for a sink", 'fieldwatt_sink_readings_behind{sink="influxdb"} 7', true],
  ["nothing where that is not known", 'fieldwatt_sink_readings_behind{sink="csv"}', false],
  ["whether the time is trusted", "fieldwatt_clock_trusted 1", true],
])("tells %s", async (_, text, told) => {
  expect((await openMetrics(withValues()).render({ measured: true })).includes(text)).toBe(told);
});

it("keeps what devices measure to itself unless it is asked for with leave", async () => {
  const metrics = openMetrics(withValues());
  await metrics.render({ measured: true });
  expect(await metrics.render()).not.toMatch(/device="/);
});

/** The grammar of prometheus.io/docs/instrumenting/exposition_formats, "Text format details". */
const LINE =
  /^(?:# (?:HELP [a-zA-Z_:][\w:]* .*|TYPE [a-zA-Z_:][\w:]* (?:counter|gauge|histogram|summary|untyped))|[a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (?:[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|Inf)|NaN))$/;

it("is the text format: each line, one TYPE a metric before its samples, no series twice", async () => {
  const text = await openMetrics(withValues()).render({ measured: true });
  const lines = text.split("\n").filter((line) => line !== "");
  expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
  const typed = new Set<string>();
  const series = new Set<string>();
  for (const line of lines) {
    const [, name = ""] = /^# TYPE (\S+)/.exec(line) ?? [];
    if (name !== "") expect(typed.has(name)).toBe(false);
    if (name !== "") typed.add(name);
    if (line.startsWith("#")) continue;
    const id = line.slice(0, line.lastIndexOf(" "));
    expect(typed).toContain(/^[\w:]+/.exec(id)?.[0]);
    expect(series).not.toContain(id);
    series.add(id);
  }
  expect(text.endsWith("\n")).toBe(true);
});

const promtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!promtool) {
  if (process.env.CI) throw new Error("promtool is missing: apt-get install prometheus");
  process.stderr.write("promtool test skipped: apt-get install prometheus\n");
}

it.skipIf(!promtool)("is what promtool finds no fault with", async () => {
  const input = await openMetrics(withValues()).render({ measured: true });
  const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input });
  expect(`${stdout}${stderr}`).toBe("");
});
