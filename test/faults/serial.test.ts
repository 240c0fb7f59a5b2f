import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { parseDeviceFile } from "../../drivers/device-file.ts";
import { busOf, openModbusBus, type ModbusBus, type ModbusConnection } from "../../drivers/index.ts";
import { pollBus, type PolledDevice } from "../../gateway/acquire/poll.ts";
import { createDeviceStates } from "../../gateway/acquire/device-state.ts";
import { openClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { openPtyPair } from "../../simulators/pty.ts";
import { scriptedSlave, wordAt } from "./line-slave.ts";

/** Modbus RTU on real pseudo-terminals, and what happens to serial adapters. */
const folder = await mkdtemp(join(tmpdir(), "fieldwatt-serial-"));
afterAll(() => rm(folder, { recursive: true }));

const now = () => instant(0);
const TIMEOUT_MS = 150;
const healthy = { mishap: () => ({ kind: "none" }) as const };
const device = parseDeviceFile(
  "echo.yaml",
  `{ id: echo-slave, maker: Echo, model: slave, source: test/faults/line-slave.ts, modbus: { table: holding },
     points: { voltage.L1: { at: 100, as: uint16, unit: V }, voltage.L2: { at: 101, as: uint16, unit: V } },
     tests: [{ origin: none, registers: { "100": "0001 0002" }, gives: { voltage.L1: 1, voltage.L2: 2 } }] }`,
);
const own = [0, 1].map((index) => wordAt({ unit: 1, code: 3 }, 100 + index));
const on = (path: string): ModbusConnection => ({
  kind: "modbus-rtu",
  path,
  baudRate: 115_200,
  parity: "none",
  stopBits: 1,
  unit: 1,
});
const values = async (bus: ModbusBus): Promise<number[]> =>
  (await bus.read(device, 1)).samples.map(({ value }) => value);

/** Reads until it succeeds; the kernel and the port's own thread take a moment. */
async function eventually(bus: ModbusBus): Promise<number[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const got = await values(bus).catch(() => undefined);
    if (got) return got;
    await wait(20);
  }
  throw new Error("the bus never came back");
}

describe("a serial adapter", () => {
  it("is found again under its link after it was pulled out and put into another socket", async () => {
    const link = join(folder, "usb-adapter-by-id");
    const first = await openPtyPair({ link });
    scriptedSlave(first, healthy);
    await using bus = openModbusBus(on(link), { now, timeoutMs: TIMEOUT_MS });
    expect(await values(bus)).toEqual(own);
    await first[Symbol.asyncDispose]();
    await expect(bus.read(device, 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(BUS_CLOSED|DEVICE_TIMEOUT)$/) as unknown,
    });
    // Something else has the old number now, so that the new one is another device file.
    await using _other = await openPtyPair();
    await using second = await openPtyPair({ link });
    scriptedSlave(second, healthy);
    expect(await eventually(bus)).toEqual(own);
  });

  it("that another program holds is BUS_CLOSED, by name, and is read once it is free", async () => {
    await using pty = await openPtyPair();
    scriptedSlave(pty, healthy);
    // Another process, since a lock does not keep out its own.
    const script = `const { SerialPort } = require("serialport");
      const port = new SerialPort({ path: process.argv[1], baudRate: 9600, lock: true });
      port.on("open", () => console.log("open"));
      process.stdin.resume().on("end", () => process.exit());`;
    const holder = spawn(process.execPath, ["-e", script, pty.path], {
      stdio: ["pipe", "pipe", "inherit"],
      cwd: import.meta.dirname,
    });
    await once(holder.stdout, "data");
    await using bus = openModbusBus(on(pty.path), { now, timeoutMs: TIMEOUT_MS });
    const error: unknown = await bus.read(device, 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "BUS_CLOSED" });
    expect(String(error)).toContain(pty.path);
    holder.stdin.end();
    await once(holder, "exit");
    expect(await eventually(bus)).toEqual(own);
  });

  it("at the wrong rate gives garbage, an error by name, and never a value", async () => {
    await using pty = await openPtyPair();
    // What a UART at another rate makes of a frame: other bytes, and not as many.
    pty.onData((bytes) =>
      pty.write(
        Uint8Array.from(
          bytes.filter((_, index) => index % 2 === 0),
          (byte) => byte ^ 0xe7,
        ),
      ),
    );
    await using bus = openModbusBus(on(pty.path), { now, timeoutMs: TIMEOUT_MS });
    for (let attempt = 0; attempt < 3; attempt++) {
      const error: unknown = await bus.read(device, 1).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "DEVICE_GARBLED" });
      expect(String(error)).toContain(pty.path);
    }
  });

  it("on which somebody babbles without end is given up in bounded time", async () => {
    await using pty = await openPtyPair();
    const babble = setInterval(() => pty.write(Buffer.alloc(64, 0x55)), 1);
    await using bus = openModbusBus(on(pty.path), { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device, 1)).rejects.toMatchObject({ code: "DEVICE_GARBLED" });
    clearInterval(babble);
    scriptedSlave(pty, healthy);
    expect(await eventually(bus)).toEqual(own);
  });

  it("known by two names is one bus", async () => {
    await using pty = await openPtyPair();
    const link = join(folder, "same-adapter");
    await symlink(pty.path, link);
    const real = (path: string) => realpathSync(path);
    expect(busOf(on(link), real)).toBe(busOf(on(pty.path), real));
  });
});

describe("one dead unit of ten on a bus", () => {
  it("leaves the other nine their interval", async () => {
    await using pty = await openPtyPair();
    const DEAD = 5;
    scriptedSlave(pty, { mishap: ({ unit }) => (unit === DEAD ? { kind: "dropped" } : { kind: "none" }) });
    await using bus = openModbusBus(on(pty.path), { now, timeoutMs: TIMEOUT_MS });
    const reads = new Map<number, number>();
    const clock = openClock(() => performance.timeOrigin + performance.now());
    const interval = 500;
    const units = Array.from({ length: 10 }, (_, index) => index + 1);
    const devices = units.map((unit): PolledDevice => ({
      id: `unit-${unit}`,
      interval,
      read: (signal) => bus.read(device, unit, signal),
      probe: (signal) => bus.probe(device, unit, signal),
      async keep() {
        await Promise.resolve();
        reads.set(unit, (reads.get(unit) ?? 0) + 1);
      },
    }));
    const states = createDeviceStates(devices);
    const log = openLog("line", { write: () => undefined });
    const stop = new AbortController();
    const done = pollBus(devices, { clock, states, log, signal: stop.signal });
    await wait(4_000);
    stop.abort();
    await done;
    expect(reads.get(DEAD)).toBeUndefined();
    // 4 s are eight intervals; some may be lost to a machine that is busy with other things.
    for (const unit of units.filter((one) => one !== DEAD)) expect(reads.get(unit)).toBeGreaterThanOrEqual(5);
  });
});
