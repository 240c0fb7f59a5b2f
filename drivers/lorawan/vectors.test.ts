import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseDeviceFile } from "../device-file.ts";
import type { Decoded } from "../driver.ts";
import { bytesFromHex } from "../hex.ts";
import { targetName } from "../value.ts";
import { decodeLorawan } from "./decode.ts";

/** Public vectors; every file in test/captures names its source. Expected values are those of the source, in stored units. */
const shape = z.looseObject({
  input: z.object({
    fPort: z.number().optional(),
    bytes_hex: z.union([z.string(), z.array(z.string())]).transform((one) => [one].flat()),
  }),
});
const fileOf = (path: string): string => new URL(path, import.meta.url).pathname;
const values = ({ samples }: Decoded) =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));

function decode(vector: string, device: string): Decoded[] {
  const { input } = shape.parse(
    JSON.parse(readFileSync(fileOf(`../../test/captures/${vector}.json`), "utf8")),
  );
  const file = fileOf(`../devices/${device}.yaml`);
  const definition = parseDeviceFile(file, readFileSync(file, "utf8"));
  return input.bytes_hex.map((hex) =>
    decodeLorawan(definition, { bytes: bytesFromHex(hex), port: input.fPort }),
  );
}

describe("public LoRaWAN vectors", () => {
  it.each([
    [
      "lorawan-dragino-lse01",
      "dragino/lse01",
      { "voltage.battery": 3.625, soilMoisture: 0.1957, soilTemperature: 24.59, soilConductivity: 28_200 },
    ],
    [
      "lorawan-milesight-em500-smtc",
      "milesight/em500-smtc",
      { "stateOfCharge.battery": 100, soilTemperature: 28.1, soilMoisture: 0.575, soilConductivity: 240 },
    ],
    ["lorawan-sensecap-s210x", "sensecap/s210x", { airTemperature: 21.4, relativeHumidity: 31.4 }],
    [
      "lorawan-decentlab-atm41",
      "decentlab/dl-atm41",
      {
        solarIrradiance: 10,
        windSpeed: 0.09,
        windDirection: 29.9,
        airTemperature: 26.4,
        atmosphericPressure: 95.96,
      },
    ],
    ["lorawan-milesight-ct101", "milesight/ct101", { electricCharge: 100 }],
  ])("%s", (vector, device, expected) => {
    const [decoded] = decode(vector, device);
    expect(decoded && values(decoded)).toMatchObject(expected);
    expect(decoded?.problems).toEqual([]);
  });

  it("a failed reading of a CT101 is absent", () => {
    const [, failed] = decode("lorawan-milesight-ct101", "milesight/ct101");
    expect(failed).toMatchObject({ samples: [], problems: [{ code: "sentinel" }] });
  });

  it("nutrients beyond the range of an LSNPK01 are implausible, and told", () => {
    const [decoded] = decode("lorawan-dragino-lsnpk01", "dragino/lsnpk01");
    expect(
      decoded?.samples.filter(({ quality }) => quality === "implausible").map(({ value }) => value),
    ).toEqual([25_096, 26_464, 58_428]);
    expect(decoded?.problems.map(({ code }) => code)).toEqual(["outOfRange", "outOfRange", "outOfRange"]);
  });
});
