import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { hasCode, instant } from "../../domain/model/index.ts";
import {
  loadCatalogue,
  openModbusBus,
  type Decoded,
  type DeviceDefinition,
  type ModbusBus,
} from "../../drivers/index.ts";

/**
 * A Modbus TCP server that is not ours: pymodbus from Debian. The registers are packed by Python's struct, so neither
 * the framing nor the floats come from the code under test.
 */
const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("./modbus-peer.py", import.meta.url));
const missing = spawnSync(PYTHON, ["-c", "import pymodbus.server"]).status !== 0;
const HINT = "pymodbus is missing: apt-get install python3-pymodbus";
if (missing && !process.env.CI) process.stderr.write(`skipped: ${HINT}\n`);

async function startPeer(...args: string[]) {
  const child = spawn(PYTHON, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    port: Number(line.toString()),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The peer says its port a moment before it listens. */
async function readWhenUp(bus: ModbusBus, definition: DeviceDefinition): Promise<Decoded> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await bus.read(definition, 1);
    } catch (error) {
      if (!hasCode(error, "BUS_CLOSED")) throw error;
      await wait(100);
    }
  }
  throw new Error("the peer never listened");
}

describe.skipIf(missing && !process.env.CI)("a Modbus TCP server that we did not write", () => {
  it.each(["whole", "sparse"])("gives the values of an SDM120 (%s register map)", async (map) => {
    expect(missing, HINT).toBe(false);
    const definition = (await loadCatalogue()).find("eastron-sdm120");
    await using peer = await startPeer(map);
    const connection = { kind: "modbus-tcp", host: "127.0.0.1", port: peer.port, unit: 1 } as const;
    await using bus = openModbusBus(connection, { now: () => instant(0) });
    const { samples, problems } = await readWhenUp(bus, definition);
    expect(Object.fromEntries(samples.map(({ quantity, value }) => [quantity, value]))).toEqual({
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
    });
    expect(problems).toEqual([]);
  });
});
