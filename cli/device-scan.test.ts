import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../drivers/index.ts";
import { openFake, unitOf } from "../simulators/device/fake.ts";
import { findSheet } from "../simulators/device/sheet.ts";
import { openRtuBus } from "../simulators/modbus/rtu.ts";
import type { ModbusUnit } from "../simulators/modbus/slave.ts";
import { openModbusTcp } from "../simulators/modbus/tcp.ts";
import { openUnitFaults } from "../simulators/modbus/wire-faults.ts";
import { openController } from "../simulators/vedirect.ts";
import { busAddress } from "./bus-address.ts";
import { scanBus } from "./device-scan.ts";
import { unitsFromText } from "./scan/units.ts";

/** What hangs there is made by the simulators' own encoder; the functions are recorded by the slave, not by the scan. */
const all = (await loadCatalogue()).all();
const definitions = all.filter(({ maker }) =>
  /Eastron|Peacefair|SunSpec|ZTS|Victron|Huawei|Acrel/.test(maker),
);
const fake = (device: string): ModbusUnit =>
  unitOf(openFake(findSheet(device), { seed: 3, values: "walk" }), () => 0);
const dead: ModbusUnit = { ...fake("sdm120"), faults: openUnitFaults([{ kind: "dead" }], 1, "dead") };
const options = (signal: AbortSignal, units = "1-6") => ({
  units: unitsFromText(units),
  rate: 1_000,
  timeout: 60,
  listen: 0.7,
  context: { signal, progress: () => undefined },
});
const going = new AbortController().signal;
/** Read holding registers and read input registers: Modbus Application Protocol 1.1b3, 6.3 and 6.4. */
const READING = [3, 4];

describe("fieldwatt device scan on Modbus TCP", () => {
  const units = new Map([
    [1, fake("eastron-sdm630")],
    [2, dead],
    [3, fake("pzem-004t-v3")],
    [6, fake("sunspec-inverter")],
  ]);

  it("names each device by its best guess, and never sends anything but reads", async () => {
    const functions = new Set<number>();
    const onRequest = (_unit: number, pdu: Uint8Array): unknown => functions.add(pdu[0] ?? 0);
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units, onRequest });
    const report = await scanBus(busAddress(`tcp://127.0.0.1:${server.port}`), definitions, options(going));
    expect(report.complete).toBe(true);
    expect(report.found.map(({ unit, guesses }) => [unit, guesses[0]?.device])).toEqual([
      [1, "eastron-sdm630"],
      [3, "peacefair-pzem-004t-v3"],
      [6, "sunspec-inverter"],
    ]);
    expect(report.found[2]?.says).toMatch(/^SunSpec at 40000: SunSpec, sunspec-inverter, .*models 1, 103/);
    expect([...functions].filter((code) => !READING.includes(code))).toEqual([]);
    expect(functions.size).toBeGreaterThan(0);
  });

  it("lists one unit of a device that answers for every unit", async () => {
    const same = fake("eastron-sdm630");
    const all = new Map(Array.from({ length: 256 }, (_, unit) => [unit, same]));
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units: all });
    const report = await scanBus(busAddress(`tcp://127.0.0.1:${server.port}`), definitions, options(going));
    expect(report.found.map(({ unit }) => unit)).toEqual([1]);
    expect(report.notes.join()).toMatch(/answers for every unit/);
  });

  it("keeps what it found when it is ended, and says that it is not complete", async () => {
    const end = new AbortController();
    const onRequest = (unit: number): void => {
      if (unit === 3) end.abort();
    };
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units, onRequest });
    const address = busAddress(`tcp://127.0.0.1:${server.port}`);
    const report = await scanBus(address, definitions, options(end.signal));
    expect(report.complete).toBe(false);
    expect(report.found[0]?.guesses[0]?.device).toBe("eastron-sdm630");
    expect(report.notes.join()).toMatch(/ended before unit 3 was done: 2 of 6 units/);
  });

  it("says that nobody listens there", async () => {
    const { port } = await openModbusTcp({ host: "127.0.0.1", port: 0, units }).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    const scan = scanBus(busAddress(`tcp://127.0.0.1:${port}`), definitions, options(going));
    await expect(scan).rejects.toMatchObject({ code: "BUS_CLOSED" });
  });
});

describe("fieldwatt device scan on a serial line", () => {
  it("listens first, then finds rate and units, and only reads", async () => {
    const functions = new Set<number>();
    await using bus = await openRtuBus({
      units: new Map([
        [1, fake("zts-3000")],
        [4, fake("sdm120")],
      ]),
      onRequest: (_unit, pdu) => functions.add(pdu[0] ?? 0),
    });
    const report = await scanBus(busAddress(bus.path), definitions, options(going, "1-5"));
    expect(report.found.map(({ unit, baudRate }) => [unit, baudRate])).toEqual([
      [1, 9_600],
      [4, 9_600],
    ]);
    expect(report.found[0]?.guesses.map(({ device }) => device)).toContain("zts-3000-tr-ws-n01");
    expect(report.found[1]?.guesses[0]?.device).toBe("eastron-sdm120");
    expect([...functions].filter((code) => !READING.includes(code))).toEqual([]);
  });

  it("knows a talker by what it says, and asks nothing", async () => {
    await using controller = await openController({ view: () => CONTROLLER, periodMs: 300 });
    const report = await scanBus(busAddress(controller.path), definitions, options(going));
    const [heard] = report.found;
    expect(heard?.says).toBe("VE.Direct text");
    // Other devices of the family share some of the fields; the one that explains all of them comes first.
    expect(heard?.guesses[0]).toMatchObject({ device: "victron-mppt", score: 1 });
    expect(heard?.guesses.slice(1).every(({ score }) => score < 1)).toBe(true);
    expect(report.notes.join()).toMatch(/no Modbus was tried/);
  });
});

const CONTROLLER = {
  serial: "HQ2600001FW",
  batteryVoltage: 13.1,
  batteryCurrent: 2,
  panelVoltage: 31,
  panelPower: 40,
  loadCurrent: 0.4,
  yieldTotal: 1_000,
  yieldToday: 100,
  yieldYesterday: 200,
  maxToday: 60,
  maxYesterday: 80,
  batteryFull: false,
  daySequence: 12,
};

describe("a bus on the command line", () => {
  it.each([
    ["tcp://10.0.0.7", { kind: "modbus-tcp", host: "10.0.0.7", port: 502 }],
    ["tcp://meter.local:80", { kind: "modbus-tcp", host: "meter.local", port: 80 }],
    ["rtu-over-tcp://10.0.0.7:4196", { kind: "modbus-rtu-over-tcp", host: "10.0.0.7", port: 4196 }],
    ["udp://10.0.0.7", { kind: "modbus-udp", host: "10.0.0.7", port: 8899 }],
    ["/dev/ttyUSB0", { kind: "serial", path: "/dev/ttyUSB0" }],
    ["mqtt://a:b@10.0.0.7", { kind: "mqtt", url: "mqtt://a:b@10.0.0.7" }],
  ])("%s", (text, address) => {
    expect(busAddress(text)).toEqual(address);
  });

  it.each(["", "10.0.0.7:502", "http://10.0.0.7", "tcp://", "serial"])('refuses "%s"', (text) => {
    expect(() => busAddress(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it.each([
    ["1-3,9", [1, 2, 3, 9]],
    ["247,1-2,2", [247, 1, 2]],
  ])("units %s", (text, units) => {
    expect(unitsFromText(text)).toEqual(units);
  });

  it.each(["", "0-256", "5-1", "a", "1,,2"])('refuses the units "%s"', (text) => {
    expect(() => unitsFromText(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});
