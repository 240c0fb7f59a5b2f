import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { targetName } from "../value.ts";
import { decodeTelegramBytes } from "./codecs.ts";
import type { TelegramProtocol } from "./telegram.ts";

/** Public vectors; every file in test/captures names its source, and expected values are those of the source. */
const capture = z.looseObject({ input: z.record(z.string(), z.unknown()) });

async function telegramsOf(id: string, protocol: TelegramProtocol, key: string) {
  const file = new URL(`../../test/captures/${id}.json`, import.meta.url);
  const text = z.string().parse(capture.parse(JSON.parse(await readFile(file, "utf8"))).input[key]);
  return decodeTelegramBytes(protocol, Buffer.from(text, key.endsWith("hex") ? "hex" : "latin1"));
}

describe("a public vector", () => {
  it.each([
    [
      "dsmr-v5",
      "dsmr",
      "text",
      [
        {
          "activeEnergyImport.T1": 4426,
          "activeEnergyImport.T2": 2399,
          activeEnergyImport: 6825,
          "activeEnergyExport.T1": 2444,
          activePower: 244,
          "voltage.L3": 229,
          "current.L1": 0.48,
          gasVolume: 0.107,
        },
      ],
    ],
    [
      "dsmr-v42",
      "dsmr",
      "text",
      [{ "activeEnergyImport.T1": 1_581_123, activePower: 2027, gasVolume: 981.443 }],
    ],
    [
      "dsmr-v22-nocrc",
      "dsmr",
      "text",
      [{ "activeEnergyImport.T1": 1001, activePower: 1010, gasVolume: 1.001 }],
    ],
    [
      "sml-emh-gw8e",
      "sml",
      "hex",
      [
        { "activeEnergyImport.T1": 14_798_112.9, "activeEnergyImport.T2": 2012.4, activePower: 13.8 },
        { "activeEnergyImport.T1": 14_798_113, "activeEnergyImport.T2": 2012.4, activePower: 14.7 },
      ],
    ],
    [
      "sml-iskra-mt175",
      "sml",
      "hex",
      [
        { activeEnergyImport: 22_462_413.6, activePower: 168, "activePower.L1": 117 },
        { activeEnergyImport: 22_462_413.7, activePower: 171, "activePower.L1": 119 },
      ],
    ],
    ["mbus-water-gwf", "mbus", "hex", [{ waterVolume: 269_000 }]],
    ["mbus-gas-lgb", "mbus", "hex", [{ gasVolume: 10_834.092 }]],
    ["dlt645-2007-energy", "dlt645", "rx_hex", [{ activeEnergyImport: 260 }]],
  ] as const)("%s is read", async (id, protocol, key, expected) => {
    const telegrams = await telegramsOf(id, protocol, key);
    expect(
      telegrams.map(({ samples }) =>
        Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value])),
      ),
    ).toMatchObject(expected);
    expect(telegrams.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it("of a water meter says who it is", async () => {
    const [telegram] = await telegramsOf("mbus-water-gwf", "mbus", "hex");
    expect(telegram?.about).toMatchObject({ id: "00182007", manufacturer: "GWF", medium: "Water" });
  });

  it("of a gas meter has the time of its reading", async () => {
    const [telegram] = await telegramsOf("mbus-gas-lgb", "mbus", "hex");
    expect(telegram?.about).toMatchObject({
      id: "12082058",
      manufacturer: "LGB",
      time: "2016-07-22T08:00:00",
    });
  });

  it("of DSMR 5 has the meter's time in UTC", async () => {
    const [telegram] = await telegramsOf("dsmr-v5", "dsmr", "text");
    expect(telegram?.samples[0]?.time).toBe(Date.parse("2017-01-02T18:20:02Z"));
  });

  it("of SDI-12 has a CRC that fits, and its value under its number", async () => {
    const [telegram] = await telegramsOf("sdi12-crc", "sdi12", "response");
    expect(telegram).toMatchObject({ about: { address: "0" }, records: [{ value: 3.14 }], problems: [] });
  });

  it.each([
    ["01573202433030332839313033323430393232333929031b"],
    [Buffer.from("\u0001P0\u0002(1234567)\u0003P").toString("hex")],
    [Buffer.from("\u0001R1\u00021.8.0(1)\u0003k").toString("hex")],
    [Buffer.from("\u0001B0\u0003q").toString("hex")],
    [Buffer.from("\u00023:171.0(0)\u0003\u0012").toString("hex")],
  ])("of IEC 62056-21's check character holds, and gives no value: %s", (hex) => {
    const telegrams = decodeTelegramBytes("iec62056-21", Buffer.from(hex, "hex"));
    expect(telegrams.flatMap(({ problems, samples }) => [...problems, ...samples])).toEqual([]);
    expect(telegrams).toHaveLength(1);
  });
});
