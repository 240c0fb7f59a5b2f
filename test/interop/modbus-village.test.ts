import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { instant, type Sample } from "../../domain/model/index.ts";
import {
  busOf,
  loadCatalogue,
  openModbusBus,
  openSerialStream,
  type Connection,
  type ModbusBus,
} from "../../drivers/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { openSimulators, planVillage } from "../../simulators/index.ts";

/** Every simulated device with a wire, read by its device file: two encoders and two framers that never met. */
const folder = await mkdtemp(join(tmpdir(), "fieldwatt-village-"));
afterAll(() => rm(folder, { recursive: true }));

const noon = instant(Date.UTC(2026, 5, 15, 10));
const clock = new ManualClock(noon);
const catalogue = await loadCatalogue();

it("reads every Modbus and serial device of the simulated village, whole", async () => {
  const log = openLog("village", { write: () => undefined });
  const plan = planVillage({ households: 8, seed: 1 });
  await using village = await openSimulators(plan, { clock, commissioned: noon, dataDir: folder, log });
  const buses = new Map<string, ModbusBus>();
  const kinds = new Set<string>();
  for (const { id, device, connection } of village.manifest.devices) {
    if (connection.kind === "mqtt") continue;
    const samples = await readOnce(buses, device, connection);
    const plausible = samples.every(({ value }) => Number.isFinite(value));
    expect({ id, plausible, some: samples.length > 1 }).toEqual({ id, plausible: true, some: true });
    kinds.add(device);
  }
  for (const bus of buses.values()) await bus[Symbol.asyncDispose]();
  expect([...kinds].sort()).toEqual([
    "eastron-sdm120",
    "eastron-sdm630",
    "peacefair-pzem-004t-v3",
    "sunspec-inverter",
    "victron-mppt",
    "zts-3000-tr-ws-n01",
  ]);
});

it("reads the co-op's yard: power at its meters, water in its tank, charge of its battery", async () => {
  const log = openLog("village", { write: () => undefined });
  const plan = planVillage({ households: 1, seed: 1, yard: true });
  const dataDir = join(folder, "yard");
  await using village = await openSimulators(plan, { clock, commissioned: noon, dataDir, log });
  const buses = new Map<string, ModbusBus>();
  const found: Record<string, number | undefined> = {};
  for (const { id, device, connection, member } of village.manifest.devices) {
    if (connection.kind === "mqtt" || member !== undefined) continue;
    // A monitor of batteries speaks in two blocks.
    for (let turn = 0; turn < 2; turn++)
      for (const { quantity, value } of await readOnce(buses, device, connection))
        found[`${id}/${quantity}`] = value;
  }
  for (const bus of buses.values()) await bus[Symbol.asyncDispose]();
  // What the yard begins with (simulators/village/yard.ts), in the afternoon sun of 15 June.
  expect(found["yard-tank/tankLevel"]).toBeCloseTo(0.51, 3);
  expect(found["yard-battery/stateOfCharge"]).toBeCloseTo(40, 0);
  expect(found["yard-solar/activePower"]).toBeLessThan(-100);
  expect(found["yard-meter/activePower"]).toBeCloseTo(
    (found["yard-solar/activePower"] ?? NaN) + 150 + 500,
    0,
  );
});

type Wired =
  | Exclude<Connection, { kind: "mqtt" | "modbus-rtu" | "virtual" }>
  | Omit<Extract<Connection, { kind: "modbus-rtu" }>, "parity" | "stopBits">;

async function readOnce(
  buses: Map<string, ModbusBus>,
  device: string,
  wired: Wired,
): Promise<readonly Sample[]> {
  const definition = catalogue.find(device);
  if (wired.kind === "serial") {
    return new Promise((resolve, reject) => {
      const stream = openSerialStream(wired, definition, {
        now: () => noon,
        onDecoded: ({ samples }) => void stream[Symbol.asyncDispose]().then(() => resolve(samples)),
        onFault: reject,
      });
    });
  }
  const connection =
    wired.kind === "modbus-rtu" ? { ...wired, parity: "none" as const, stopBits: 1 as const } : wired;
  const bus = buses.get(busOf(connection)) ?? openModbusBus(connection, { now: () => noon });
  buses.set(busOf(connection), bus);
  return (await bus.read(definition, connection.unit)).samples;
}
