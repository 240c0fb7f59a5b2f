import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { hasCode, instant } from "../../domain/model/index.ts";
import {
  loadCatalogue,
  openModbusBus,
  type Decoded,
  type DeviceDefinition,
  type ModbusBus,
  type ModbusConnection,
} from "../../drivers/index.ts";
import { openCable, pymodbus, PYTHON, skips, start, type Peer } from "../support/modbus-peers.ts";

/**
 * Modbus servers that are not ours: pymodbus and libmodbus from Debian. The registers are packed by Python's struct and
 * by a C compiler, so neither the framing nor the floats come from the code under test.
 */
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SDM120 = {
  voltage: 229.7,
  current: 4.75,
  activePower: -1091.5,
  apparentPower: 1100.25,
  reactivePower: 12.5,
  powerFactor: 0.99,
  frequency: 49.98,
  activeEnergyImport: 1_234_567,
  activeEnergyExport: 89_125,
  reactiveEnergyImport: 1500,
  reactiveEnergyExport: 2250,
};

const folder = mkdtempSync(join(tmpdir(), "fieldwatt-libmodbus-"));
afterAll(() => rmSync(folder, { recursive: true }));

const server = join(folder, "server");
const libmodbus: Peer = {
  name: "libmodbus",
  hint: "libmodbus is missing: apt-get install libmodbus-dev gcc",
  missing:
    spawnSync("cc", ["-I/usr/include/modbus", "-o", server, here("./modbus-peer.c"), "-lmodbus"]).status !==
    0,
};
for (const { missing, hint } of [pymodbus, libmodbus])
  if (missing && !process.env.CI) process.stderr.write(`skipped: ${hint}\n`);

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const UNAVAILABLE = ["BUS_CLOSED", "DEVICE_TIMEOUT"] as const;

/** A peer says its port a moment before it listens. */
async function readWhenUp(bus: ModbusBus, definition: DeviceDefinition): Promise<Decoded> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await bus.read(definition, 1);
    } catch (error) {
      if (!UNAVAILABLE.some((code) => hasCode(error, code))) throw error;
      await wait(100);
    }
  }
  throw new Error("the peer never listened");
}

async function expectSdm120(connection: ModbusConnection): Promise<void> {
  const definition = (await loadCatalogue()).find("eastron-sdm120");
  await using bus = openModbusBus(connection, { now: () => instant(0) });
  const { samples, problems } = await readWhenUp(bus, definition);
  expect(Object.fromEntries(samples.map(({ quantity, value }) => [quantity, value]))).toEqual(SDM120);
  expect(problems).toEqual([]);
  // And again, as the gateway does it: the connection and what was learnt are used again.
  expect((await bus.read(definition, 1)).samples).toHaveLength(samples.length);
  await expectPump(bus, definition);
}

/** Behind coil 3 is a pump: the meter on the same bus shows what it draws. */
async function expectPump(bus: ModbusBus, definition: DeviceDefinition): Promise<void> {
  const power = async (): Promise<number | undefined> =>
    (await bus.read(definition, 1)).samples.find(({ quantity }) => quantity === "activePower")?.value;
  const reading = power();
  await bus.write({ unit: 1, at: 3, on: true });
  expect([await reading, await power()]).toEqual([-1091.5, 750.5]);
  await bus.write({ unit: 1, at: 3, on: false });
  expect(await power()).toBe(-1091.5);
  await expect(bus.write({ unit: 1, at: 200, on: true })).rejects.toMatchObject({ code: "DEVICE_REFUSED" });
}

const over = (kind: "modbus-tcp" | "modbus-rtu-over-tcp", port: number): ModbusConnection => ({
  kind,
  host: "127.0.0.1",
  port,
  unit: 1,
});
const line = (path: string): ModbusConnection => ({
  kind: "modbus-rtu",
  path,
  baudRate: 115_200,
  parity: "none",
  stopBits: 1,
  unit: 1,
});

describe.skipIf(skips(pymodbus))("pymodbus", () => {
  it.each(["whole", "sparse"])("gives the values of an SDM120 over TCP (%s register map)", async (map) => {
    expect(pymodbus.missing, pymodbus.hint).toBe(false);
    await using peer = await start(PYTHON, [here("./modbus-peer.py"), map, "tcp"]);
    await expectSdm120(over("modbus-tcp", Number(peer.line)));
  });

  it.each(["whole", "sparse"])("gives them in RTU frames over TCP (%s register map)", async (map) => {
    expect(pymodbus.missing, pymodbus.hint).toBe(false);
    await using peer = await start(PYTHON, [here("./modbus-peer.py"), map, "rtu-over-tcp"]);
    await expectSdm120(over("modbus-rtu-over-tcp", Number(peer.line)));
  });

  it("gives them on a serial line", async () => {
    expect(pymodbus.missing, pymodbus.hint).toBe(false);
    await using cable = await openCable();
    await using _peer = await start(PYTHON, [here("./modbus-peer.py"), "whole", "rtu", cable.far]);
    await expectSdm120(line(cable.near));
  });
});

describe.skipIf(skips(libmodbus))("libmodbus", () => {
  it("gives the values of an SDM120 over TCP", async () => {
    expect(libmodbus.missing, libmodbus.hint).toBe(false);
    const port = await freePort();
    await using _peer = await start(server, ["tcp", String(port)]);
    await expectSdm120(over("modbus-tcp", port));
  });

  it("gives them on a serial line", async () => {
    expect(libmodbus.missing, libmodbus.hint).toBe(false);
    await using cable = await openCable();
    await using _peer = await start(server, ["rtu", cable.far]);
    await expectSdm120(line(cable.near));
  });
});
