import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../domain/model/index.ts";
import { loadCatalogue, openSerialStream, openTelegramBus, type Decoded } from "../drivers/index.ts";
import { targetName } from "../drivers/value.ts";
import { ManualClock } from "../platform/clock.ts";
import { findSheet } from "./device/sheet.ts";
import { openMqttTalker, openSerialTalker } from "./talkers.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "fieldwatt-talkers-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const NOON = instant(1_781_524_800_000);
const options = {
  seed: 1,
  clock: new ManualClock(NOON),
  periodMs: 100,
  set: {
    activePower: -1_250,
    "activePower.pv": 321,
    "voltage.L1": 231.2,
    waterVolume: 269_000,
    soilMoisture: 0.275,
    soilTemperature: -1.6,
    soilConductivity: 410,
  },
};
const catalogue = await loadCatalogue();

describe("a fake that talks on a serial line, heard by the driver", () => {
  it.each([
    ["dsmr-p1", "activePower", -1_250],
    ["dsmr-p1-v2", "activePower", -1_250],
    ["sml-meter", "activePower", -1_250],
    ["dzg-dvs74", "activePower", -1_250],
    ["iec-62056-21-push", "activePower", -1_250],
    ["victron-mppt", "activePower", 321],
  ])("%s", async (id, quantity, value) => {
    const link = join(folder, "line");
    await using talker = await openSerialTalker(findSheet(id), link, options);
    const heard = Promise.withResolvers<Decoded>();
    await using _stream = openSerialStream(
      { kind: "serial", path: talker.address, baudRate: 9_600 },
      catalogue.find(id),
      {
        now: () => NOON,
        onDecoded: (decoded) => decoded.samples.length > 0 && heard.resolve(decoded),
        onFault: () => undefined,
      },
    );
    const { samples } = await heard.promise;
    expect(samples.find((sample) => sample.quantity === quantity)?.value).toBe(value);
  });
});

describe("a fake that answers on a serial line, asked by the driver", () => {
  it.each([
    ["iec-62056-21", undefined, { activePower: -1_250, "voltage.L1": 231.2 }],
    ["dlt-645-2007", undefined, { "voltage.L1": 231.2 }],
    ["dlt-645-2007", "26000001", { "voltage.L1": 231.2 }],
    ["dlt-645-1997", undefined, { "voltage.L1": 231, activePower: 1_250 }],
    ["dlt-645-1997", "26000001", { "voltage.L1": 231 }],
    ["m-bus-meter", "1", { waterVolume: 269_000 }],
    ["acclima-tdr-315", "0", { soilMoisture: 0.275, soilTemperature: -1.6, soilConductivity: 410 }],
  ])("%s with the address %s", async (id, address, gives) => {
    await using talker = await openSerialTalker(findSheet(id), join(folder, "line"), options);
    await using bus = openTelegramBus({ now: () => NOON });
    const connection = { kind: "serial", path: talker.address, baudRate: undefined, address } as const;
    const ask = () => bus.read(catalogue.find(id), connection, new AbortController().signal);
    // A machine that stands still for 200 ms hears nothing of the answer; it is asked again, as on a wall.
    const { samples } = await ask().catch(ask).catch(ask);
    expect(Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]))).toMatchObject(
      gives,
    );
  });
});

describe("a fake that there is not", () => {
  it("is refused where there is none", async () => {
    const none = openSerialTalker(findSheet("tasmota-energy"), join(folder, "x"), options);
    await expect(none).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const broker = { url: "mqtt://127.0.0.1:1", topic: "t" };
    expect(() => openMqttTalker(findSheet("dsmr-p1"), broker, options)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
