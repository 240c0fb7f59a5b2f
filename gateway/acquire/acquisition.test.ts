import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant, type Reading } from "../../domain/model/index.ts";
import { loadCatalogue } from "../../drivers/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { busFile } from "../../simulators/bus-file.ts";
import { openBus } from "../../simulators/bus.ts";
import { findSheet } from "../../simulators/device/sheet.ts";
import { openMqttTalker, openSerialTalker } from "../../simulators/talkers.ts";
import { siteWith } from "../../test/support/site.ts";
import { siteSchema } from "../site/schema.ts";
import { openAcquisition } from "./acquisition.ts";
import { setDevicePasswords } from "./device-passwords.ts";
import { openVillageBroker } from "./village-broker.ts";

/**
 * The gateway's way from wires to readings, over real sockets, pseudo-terminals and its own broker. The other side are
 * the fakes of simulators/, which have encoders of their own; they hold the values that are expected here.
 */
let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-acquire-"))));
afterEach(() => rm(folder, { recursive: true }));

const NOON = instant(1_781_524_800_000);
const clock = new ManualClock(NOON);
const log = openLog("acquire", { write: () => undefined });
const built = await loadCatalogue();

/** A gateway of one device, whose record is a list. */
function gatewayOf(wired: Parameters<typeof siteWith>[0][number], catalogue = built) {
  const parsed = siteSchema.parse(siteWith([wired]));
  const site = { ...parsed, file: join(folder, "site.yaml"), data: folder };
  const kept: Reading[] = [];
  let wake: () => void = () => undefined;
  const store = {
    append: (readings: readonly Reading[]) => {
      kept.push(...readings);
      wake();
      return Promise.resolve();
    },
  };
  const acquisition = openAcquisition({ site, catalogue, store, clock, log, onKept: () => undefined });
  const valuesOf = () =>
    Object.fromEntries(
      kept.map(({ stream, value }) => [stream.replace("meter-1/", "").replace("/", "."), value]),
    );
  /** Resolves when every one of these has been read. */
  const until = async (targets: readonly string[]) => {
    while (targets.some((target) => !(target in valuesOf())))
      await new Promise<void>((resolve) => (wake = resolve));
    return valuesOf();
  };
  return { site, acquisition, kept, until, [Symbol.asyncDispose]: () => acquisition[Symbol.asyncDispose]() };
}

const set = {
  activePower: 1_250,
  "voltage.L1": 231,
  waterVolume: 269_000,
  soilMoisture: 0.275,
  soilTemperature: -1.5,
};
const talking = { seed: 1, clock, periodMs: 100, set };

describe("a gateway reads registers", () => {
  it.each([
    ["GoodWe's datagrams", "goodwe-et", { udp: 0, units: { 247: {} } }, "modbus-udp", "voltage.L1"],
    [
      "a unit that only the device file names",
      "victron-gx",
      { tcp: 0, units: { 100: {} } },
      "modbus-tcp",
      "activePower.L1",
    ],
    [
      "RTU behind a plain bridge",
      "goodwe-et",
      { tcp: 0, framing: "rtu", units: { 247: {} } },
      "modbus-rtu-over-tcp",
      "voltage.L1",
    ],
  ] as const)("of %s (%s)", async (_what, device, wire, kind, target) => {
    const [unit = ""] = Object.keys(wire.units);
    const file = busFile.parse({ ...wire, units: { [unit]: { device, set: { [target]: 231 } } } });
    await using bus = await openBus(file, { clock, folder });
    const { port } = new URL(bus.address.replace(/^[a-z-]+:/, "http:"));
    await using gateway = gatewayOf({ device, connection: { kind, host: "127.0.0.1", port: Number(port) } });
    expect(await gateway.until([target])).toMatchObject({ [target]: 231 });
    expect(gateway.kept.every(({ time }) => time === NOON)).toBe(true);
  });

  it("of a probe on a serial line, with the rate and unit of its device file", async () => {
    const device = "zts-3000-tr-ws-n01";
    const file = busFile.parse({ pty: "field", units: { 1: { device, set: { soilTemperature: -1.5 } } } });
    await using bus = await openBus(file, { clock, folder });
    await using gateway = gatewayOf({
      device,
      mounting: "soil",
      connection: { kind: "modbus-rtu", path: bus.address },
    });
    expect(await gateway.until(["soilTemperature"])).toMatchObject({ soilTemperature: -1.5 });
  });
});

describe("a gateway reads a serial line", () => {
  it.each([
    ["iec-62056-21", undefined, { activePower: 1_250, "voltage.L1": 231 }],
    ["dlt-645-1997", "26000001", { activePower: 1_250, "voltage.L1": 231 }],
    ["dlt-645-2007", "26000001", { "voltage.L1": 231 }],
    ["m-bus-meter", "1", { waterVolume: 269_000 }],
    ["acclima-tdr-315", "0", { soilMoisture: 0.275, soilTemperature: -1.5 }],
    ["dsmr-p1", undefined, { activePower: 1_250, "voltage.L1": 231 }],
    ["dsmr-p1-v2", undefined, { activePower: 1_250 }],
    ["iec-62056-21-push", undefined, { activePower: 1_250 }],
    ["sml-meter", undefined, { activePower: 1_250 }],
  ])("of %s", async (device, address, gives) => {
    await using talker = await openSerialTalker(findSheet(device), join(folder, "line"), talking);
    const connection = { kind: "serial", path: talker.address, ...(address !== undefined && { address }) };
    await using gateway = gatewayOf({ device, connection });
    // On a busy machine a first question may fail; it is asked again when the clock has gone on.
    const later = setInterval(() => void clock.advance(10_000), 4_000);
    expect(await gateway.until(Object.keys(gives)).finally(() => clearInterval(later))).toMatchObject(gives);
  });
});

/** Opens the village broker of the gateway; gives the URL with which its one device signs in. */
async function brokerOf({ site, acquisition }: ReturnType<typeof gatewayOf>) {
  const { "meter-1": password } = await setDevicePasswords(folder, ["meter-1"], randomBytes);
  const store = { stats: () => ({ callsHeld: 0 }) as never };
  const broker = await openVillageBroker({ site, acquisition, store, clock, entropy: randomBytes, log });
  if (!broker) throw new Error("the site has a broker");
  return {
    url: `mqtt://meter-1:${password}@127.0.0.1:${broker.port}`,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

describe("a gateway hears on its broker", () => {
  const held = { ...set, voltage: 231, airTemperature: -1.5, relativeHumidity: 56.5 };
  it.each([
    ["shelly-energy", "gen1", { activePower: 1_250, voltage: 231 }],
    ["shelly-energy", undefined, { activePower: 1_250, voltage: 231 }],
    ["senml-pack", "cbor", { airTemperature: -1.5, relativeHumidity: 56.5 }],
    ["senml-pack", undefined, { airTemperature: -1.5, relativeHumidity: 56.5 }],
    ["dragino-lse01", undefined, { soilMoisture: 0.275, soilTemperature: -1.5 }],
  ] as const)("%s (%s)", async (device, form, gives) => {
    const topic = "village/device";
    await using gateway = gatewayOf({ device, connection: { kind: "mqtt", topic } });
    await using broker = await brokerOf(gateway);
    const where = { url: broker.url, topic, ...(form && { form }) };
    await using _talker = openMqttTalker(findSheet(device), where, { ...talking, set: held });
    expect(await gateway.until(Object.keys(gives))).toMatchObject(gives);
  });
});

describe("what cannot be true by the device file", () => {
  const FILE = `id: kisima-plug
maker: Kisima
model: plug
source: by hand
mqtt: { messages: [{ topic: s, points: { activePower: { from: p, unit: W } } }] }
limits: { activePower: { unit: W, valid: { max: 3680, maxStep: 3000 } } }
tests: [{ origin: by hand, topic: s, payload: '{"p":1}', gives: { activePower: 1 } }]
`;

  it("is kept and marked, also of a device that publishes", async () => {
    await writeFile(join(folder, "kisima-plug.yaml"), FILE);
    const catalogue = await loadCatalogue([folder]);
    await using gateway = gatewayOf(
      { device: "kisima-plug", connection: { kind: "mqtt", topic: "plug" } },
      catalogue,
    );
    const say = (watts: number) =>
      gateway.acquisition.take({
        user: "meter-1",
        topic: "plug/s",
        payload: Buffer.from(JSON.stringify({ p: watts })),
        qos: 1,
        retain: false,
      });
    for (const watts of [100, 9_999, 3_500, 200, 1_200]) await say(watts);
    expect(gateway.kept.map(({ value, quality }) => [value, quality])).toEqual([
      [100, "ok"],
      [9_999, "implausible"],
      [3_500, "implausible"],
      [200, "ok"],
      [1_200, "ok"],
    ]);
  });
});
