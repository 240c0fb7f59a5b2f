import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/index.ts";
import { siteWith } from "../../test/support/site.ts";
import { siteDevices } from "./devices.ts";
import { mustFitDevices } from "./fitting.ts";
import { siteSchema } from "./schema.ts";

const catalogue = await loadCatalogue();

const look = (...devices: { device: string; connection: object }[]) =>
  siteDevices(siteSchema.parse(siteWith(devices)), catalogue);

const port = { kind: "modbus-rtu", path: "/dev/ttyUSB0" };
const host = { host: "10.0.0.7" };

describe("what the site file leaves out of a connection", () => {
  // The right column is what the device files say of the device as it leaves the works.
  it.each([
    ["rate and unit", "zts-3000-tr-ws-n01", port, { baudRate: 4_800, parity: "none", stopBits: 1, unit: 1 }],
    [
      "rate, parity",
      "schneider-iem3155",
      { ...port, unit: 7 },
      { baudRate: 19_200, parity: "even", unit: 7 },
    ],
    [
      "parity alone",
      "schneider-iem3155",
      { ...port, unit: 7, baudRate: 9_600 },
      { baudRate: 9_600, parity: "even" },
    ],
    ["nothing", "zts-3000-tr-ws-n01", { ...port, unit: 9, baudRate: 9_600 }, { baudRate: 9_600, unit: 9 }],
    ["the unit, on TCP", "victron-gx", { kind: "modbus-tcp", ...host }, { unit: 100, port: 502 }],
    ["a unit that the file does not know", "eastron-sdm120", { kind: "modbus-tcp", ...host }, { unit: 1 }],
    ["the unit of GoodWe", "goodwe-et", { kind: "modbus-udp", ...host }, { unit: 247, port: 8_899 }],
  ])("is the device file's: %s", (_what, device, connection, whole) => {
    const { devices, problems } = look({ device, connection });
    expect(problems).toEqual([]);
    expect(devices[0]?.connection).toMatchObject(whole);
  });

  it("cannot be a unit that nobody knows", () => {
    const { problems } = look({ device: "eastron-sdm120", connection: port });
    expect(problems).toEqual([
      expect.objectContaining({ key: "connection", message: expect.stringMatching(/its unit/) as string }),
    ]);
  });
});

describe("a device file and the kind of a connection", () => {
  it.each([
    ["a framing that it does not have", "victron-gx", port, /kind modbus-rtu: .*framing tcp \(.*gx\.yaml\)/],
    [
      "a bridge to what speaks TCP only",
      "carlo-gavazzi-em24-e1",
      { kind: "modbus-rtu-over-tcp", ...host, port: 4_196 },
      /framing tcp/,
    ],
    ["datagrams to a meter", "huawei-sun2000", { kind: "modbus-udp", ...host }, /framing tcp, rtu/],
    [
      "registers on a telegram line",
      "eastron-sdm120",
      { kind: "serial", path: "/dev/ttyUSB0" },
      /speaks over modbus-tcp/,
    ],
    ["a broker for VE.Direct", "victron-mppt", { kind: "mqtt", topic: "a" }, /speaks over serial/],
    [
      "a serial line for MQTT",
      "tasmota-energy",
      { kind: "serial", path: "/dev/ttyUSB0" },
      /speaks over mqtt/,
    ],
    ["a LoRaWAN sensor on TCP", "dragino-lse01", { kind: "modbus-tcp", ...host }, /speaks over mqtt/],
  ])("contradict each other: %s", (_what, device, connection, told) => {
    const { problems } = look({ device, connection });
    expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(told)]);
  });

  it.each([
    ["GoodWe by datagrams", "goodwe-et", { kind: "modbus-udp", ...host }],
    ["GoodWe by its serial port", "goodwe-et", port],
    [
      "an RTU device behind a plain bridge",
      "goodwe-et",
      { kind: "modbus-rtu-over-tcp", ...host, port: 4_196 },
    ],
    ["an RTU device behind a Modbus gateway", "huawei-sun2000", { kind: "modbus-tcp", ...host }],
    ["a file that names no framing", "eastron-sdm120", { kind: "modbus-tcp", ...host, unit: 3 }],
  ])("agree: %s", (_what, device, connection) => {
    expect(look({ device, connection }).problems).toEqual([]);
  });
});

describe("devices of one bus", () => {
  const meter = { device: "eastron-sdm120", connection: { ...port, baudRate: 9_600, unit: 1 } };
  const bridge = { kind: "modbus-rtu-over-tcp", ...host, port: 502, unit: 1 };

  it("may be many", () => {
    const other = { ...meter, connection: { ...meter.connection, unit: 2 } };
    expect(look(meter, other, { ...meter, connection: bridge }).problems).toEqual([]);
  });

  it.each([
    ["framing", bridge, { kind: "modbus-tcp", ...host, port: 502 }, /speaks modbus-rtu-over-tcp/],
    ["rate", meter.connection, { ...meter.connection, unit: 2, baudRate: 19_200 }, /9600 baud/],
    ["parity", meter.connection, { ...meter.connection, unit: 2, parity: "even" }, /parity none/],
  ])("must agree about its %s", (_what, one, other, told) => {
    const { problems } = look({ ...meter, connection: one }, { ...meter, connection: other });
    expect(problems).toEqual([
      { index: 1, key: "connection", message: expect.stringMatching(told) as string },
    ]);
  });

  it("must agree also where a device file says it", () => {
    const { problems } = look(meter, { device: "zts-3000-tr-ws-n01", connection: { ...port, unit: 2 } });
    expect(problems[0]?.message).toMatch(/speaks modbus-rtu at 9600 baud.*, not modbus-rtu at 4800 baud/);
  });
});

it("a gateway does not start with a device that it cannot read, and names file and line", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fieldwatt-site-"));
  const file = join(folder, "site.yaml");
  const site = siteWith([{ device: "victron-gx", connection: port }]);
  await writeFile(file, JSON.stringify(site, undefined, 1));
  const loaded = { ...siteSchema.parse(site), file };
  await expect(mustFitDevices(loaded, catalogue)).rejects.toMatchObject({
    code: "SITE_FILE_INVALID",
    message: expect.stringMatching(
      /site\.yaml:\d+:\d+: devices\.0\.connection: victron-gx does not/,
    ) as string,
  });
  await rm(folder, { recursive: true });
});
