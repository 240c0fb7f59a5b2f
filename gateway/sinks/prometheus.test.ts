import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId, type DenyReason } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import type { DeviceState } from "../acquire/device-state.ts";
import { openRecord } from "../record/open.ts";
import { gatewayFigures } from "./figures.ts";
import { openMetrics, type MetricsOptions } from "./prometheus.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "fieldwatt-metrics-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const device = (id: string, state: DeviceState["state"]): DeviceState => ({ id, state, failures: 0 });

const options = (store: MetricsOptions["store"]): MetricsOptions => ({
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
  await using store = await openRecord({ path: join(folder, "record.sqlite") });
  const metrics = openMetrics(options(store));
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
  await using store = await openRecord({ path: join(folder, "record.sqlite") });
  const metrics = openMetrics(options(store));
  await metrics.render();
  expect((await metrics.render()).split("\n")).toContain(line);
});

it("keeps the figures of two gateways in one process apart", async () => {
  await using store = await openRecord({ path: join(folder, "record.sqlite") });
  openMetrics(options(store));
  const { broker: _, ...alone } = options(store);
  expect(await openMetrics(alone).render()).not.toContain("fieldwatt_broker_users");
});
