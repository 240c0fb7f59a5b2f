import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { villageReadings } from "../../bench/support/village-readings.ts";
import {
  deviceId,
  instant,
  streamId,
  type Mounting,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { influxTarget } from "../../gateway/sinks/influxdb.ts";
import { sinksSchema } from "../../gateway/sinks/settings.ts";
import { openLog } from "../../platform/log.ts";
import { planVillage } from "../../simulators/plan.ts";
import { influxdIsMissing, openInfluxd, type Influxd } from "../support/influxd.ts";

/** Every query of the dashboard that we give away, on a real InfluxDB with the readings of the simulated village. */
interface Target {
  readonly refId: string;
  readonly query: string;
  readonly datasource: { readonly uid: string };
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly Target[];
}
interface Dashboard {
  readonly __inputs: readonly { readonly name: string; readonly pluginId: string }[];
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
}
const file = new URL("../../examples/grafana/village.json", import.meta.url);
const dashboard = JSON.parse(await readFile(file, "utf8")) as Dashboard;
const targets = dashboard.panels.flatMap(({ title, targets: all = [] }) =>
  all.map((target): [string, string, Target] => [title, target.refId, target]),
);

const missing = influxdIsMissing();
/** Eleven hours of 15 June 2026 from 05:00 in Nairobi: the sun rises. */
const [FROM, TO] = [Date.UTC(2026, 5, 15, 2), Date.UTC(2026, 5, 15, 13)];
const VILLAGE = { households: 4, seed: 1 };

/** What the simulated village has no device for, and what none of its devices does. */
const MADE: readonly (readonly [device: string, mounting: Mounting, quantity: Quantity])[] = [
  ["battery-1", "battery", "stateOfCharge"],
  ["battery-1", "battery", "activePower"],
  ["load-1", "load", "activePower"],
  ["pump-1", "pump", "activePower"],
];
const made = (time: number): Reading[] =>
  MADE.map(([device, , quantity]) => ({
    stream: streamId(deviceId(device), quantity),
    time: instant(time),
    value: 42,
    quality: time % 3_600_000 === 0 ? "implausible" : "ok",
  }));

let folder: string;
let influxd: Influxd;
beforeAll(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-grafana-"));
  influxd = await openInfluxd(folder);
  await fill();
}, 60_000);
afterAll(async () => {
  if (missing) return;
  await influxd.stop();
  await rm(folder, { recursive: true });
});

async function fill(): Promise<void> {
  const { influxdb: settings } = sinksSchema.parse({ influxdb: { url: influxd.url, database: "village" } });
  if (!settings) throw new Error("no settings");
  const planned = planVillage(VILLAGE).devices.map(({ id, mounting, member }) => ({ id, mounting, member }));
  const devices = [...planned, ...MADE.map(([id, mounting]) => ({ id, mounting }))];
  const log = openLog("test", { write: () => undefined });
  const site = { devices } as unknown as Parameters<typeof influxTarget>[0]["site"];
  const target = influxTarget({ site, settings, password: undefined, log });
  const { signal } = new AbortController();
  let readings: Reading[] = [];
  const flush = async (): Promise<void> => {
    expect(await target.write({ readings, cursor: "1" }, signal)).toEqual({ refused: 0 });
    readings = [];
  };
  for await (const some of villageReadings({ ...VILLAGE, from: instant(FROM), to: instant(TO) })) {
    readings.push(...some);
    if (readings.length > 5_000) await flush();
  }
  for (let time = FROM; time < TO; time += 600_000) readings.push(...made(time));
  await flush();
}

/** What Grafana makes of its macros and of "all devices". */
const asGrafana = (query: string): string =>
  query
    .replaceAll("$timeFilter", `time >= ${FROM}ms AND time < ${TO}ms`)
    .replaceAll("$__interval", "10m")
    .replaceAll("$device", ".*");

it("asks for its data source when it is imported, and has no other", () => {
  expect(dashboard.__inputs).toMatchObject([{ name: "DS_INFLUXDB", pluginId: "influxdb" }]);
  expect(new Set(targets.map(([, , { datasource }]) => datasource.uid))).toEqual(new Set(["${DS_INFLUXDB}"]));
});

describe.skipIf(missing)("on a real InfluxDB with the simulated village", () => {
  it.each(targets)("%s (%s) gives rows with values", async (_title, _ref, { query }) => {
    const rows = await influxd.query("village", asGrafana(query));
    const values = rows.flatMap(({ values: { time: _time, ...columns } }) => Object.values(columns));
    expect(values.filter((value) => typeof value === "number").length).toBeGreaterThan(0);
  });

  it("offers every device to choose from", async () => {
    const [query] = dashboard.templating.list;
    const rows = await influxd.query("village", query?.query ?? "");
    const devices = new Set(rows.map(({ values }) => values["value"]));
    for (const { id } of planVillage(VILLAGE).devices) expect(devices).toContain(id);
  });
});
