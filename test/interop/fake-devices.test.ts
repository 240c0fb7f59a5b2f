import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../platform/clock.ts";
import { busFile } from "../../simulators/bus-file.ts";
import { openBus } from "../../simulators/bus.ts";
import { instant } from "../../domain/model/index.ts";

/**
 * The fakes, read by Modbus clients that are not ours. Expected registers are those of captures and makers' sheets,
 * as the device files quote them: PZEM-004T (esphome/feature-requests#49), SDM (Eastron's sheet, 230.2 V), ZTS-3000
 * (manual R224068-70: 35.6 % and -3.5 °C).
 */
const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("./fake-devices.py", import.meta.url));
const LIBRARIES = {
  pymodbus: ["import pymodbus.client", "apt-get install python3-pymodbus"],
  libmodbus: ["import ctypes; ctypes.CDLL('libmodbus.so.5')", "apt-get install libmodbus5"],
} as const;
type Library = keyof typeof LIBRARIES;
const missing = (library: Library): boolean => spawnSync(PYTHON, ["-c", LIBRARIES[library][0]]).status !== 0;

const UNITS = {
  1: { device: "peacefair-pzem-004t-v3", values: "tests" },
  2: { device: "eastron-sdm630", set: { "voltage.L1": 230.2 } },
  3: { device: "zts-3000-tr-ws-n01", values: "tests" },
  4: { device: "sunspec-inverter" },
};
const REQUESTS = ["1:input:0:9", "2:input:0:2", "3:holding:0:2", "4:holding:40000:2", "2:holding:60000:1"];

async function readAll(library: Library, kind: string, where: string): Promise<unknown> {
  const child = spawn(PYTHON, [SCRIPT, library, kind, where, ...REQUESTS], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  await once(child, "close");
  return JSON.parse(said);
}

describe.each(["pymodbus", "libmodbus"] as const)("%s", (library) => {
  const gone = missing(library);
  const hint = `${library} is missing: ${LIBRARIES[library][1]}`;
  if (gone && !process.env.CI) process.stderr.write(`skipped: ${hint}\n`);
  it.skipIf(gone && !process.env.CI).each(["tcp", "pty"])("reads the fakes over %s", async (kind) => {
    expect(gone, hint).toBe(false);
    const wire = kind === "tcp" ? { tcp: 0 } : { pty: `/tmp/fieldwatt-interop-${process.pid}-${library}` };
    const file = busFile.parse({ ...wire, units: UNITS });
    await using bus = await openBus(file, { clock: new ManualClock(instant(0)), folder: "." });
    const where = kind === "tcp" ? (bus.address.split(":").at(-1) ?? "") : bus.address;
    const found = await readAll(library, kind, where);
    expect(found).toEqual([
      [0x08d1, 0x006c, 0, 0x00f4, 0, 0x0026, 0, 0x01f4, 0x0064],
      [0x4366, 0x3333],
      [0x0164, 0xffdd],
      [0x5375, 0x6e53],
      library === "pymodbus" ? ["exception", 2] : ["error", -1],
    ]);
  });
});
