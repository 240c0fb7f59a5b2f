import { describe, expect, it } from "vitest";
import { withCrc } from "./crc.ts";
import { pzem004t, sdm120, sdm630, type MeterView } from "./meters.ts";
import type { RegisterTables } from "./registers.ts";
import { answer } from "./slave.ts";
import { zts3000 } from "./soil-probe.ts";
import { sunspecInverter } from "./sunspec.ts";

const view: MeterView = {
  power: 24.4,
  importWh: 38,
  exportWh: 0,
  voltage: 230.2,
  frequency: 50,
  powerFactor: 1,
};

/** The whole RTU reply to a whole RTU request. */
function exchange(request: string, tables: RegisterTables): string {
  const bytes = Buffer.from(request, "hex");
  return withCrc(Buffer.concat([bytes.subarray(0, 1), answer(bytes.subarray(1, -2), tables)])).toString(
    "hex",
  );
}

describe("published frames come out of the encoders byte for byte", () => {
  // The PZEM's meter rounds I itself: 24.4 W at 225.7 V and power factor 1 are 0.108 A.
  const pzem = pzem004t({ ...view, voltage: 225.7 });
  it.each([
    // The manual's 4366 3334 is the float one step above 230.2.
    [
      "SDM 230.2 V: manual example (arendst/Tasmota xnrg sdm)",
      "01040000000271CB",
      sdm120({ ...view, voltage: 230.20001 }),
      "010404436633341b38",
    ],
    [
      "SDM630 V2 mean voltage: the same example, at 0x002a",
      "0104002a0002d1c3",
      sdm630({ ...view, voltage: 230.20001 }),
      "010404436633341b38",
    ],
    [
      "PZEM-004T v3: capture in esphome pzemac.cpp",
      "01040000000a700d",
      pzem,
      "01041408d1006c000000f400000026000001f4006400005134",
    ],
    [
      "ZTS-3000, 35.6 % and -3.5 °C: maker's manual R224068-70",
      "010300000002C40B",
      zts3000({ moisture: 0.356, temperature: -3.5, conductivity: 0, ph: 7 }),
      "0103040164ffdd3bb9",
    ],
  ])("%s", (_origin, request, tables, reply) => {
    expect(exchange(request, tables)).toBe(reply);
  });
});

describe("meters hold float32 at the addresses of DESIGN's device file", () => {
  const { input } = sdm120({ ...view, power: 1_100, importWh: 13_000 });
  it.each([
    ["230.2 V", 0x0000, [0x4366, 0x3333]],
    ["1100 W", 0x000c, [0x4489, 0x8000]],
    ["13 kWh", 0x0048, [0x4150, 0x0000]],
  ])("%s", (_what, address, words) => {
    expect(words.map((_, i) => input?.get(address + i))).toEqual(words);
  });
});

describe("a slave refuses what it does not have (MODBUS Application Protocol V1.1b3, section 7)", () => {
  it.each([
    ["an unknown function is exception 1", "0500000000", "8501"],
    ["a write is exception 1", "0600000001", "8601"],
    ["an address outside the table is exception 2", "0400090002", "8402"],
    ["holding registers of a device without any are exception 2", "0300000001", "8302"],
    ["no registers at all are exception 3", "0400000000", "8403"],
    ["126 registers are exception 3", "040000007e", "8403"],
    ["a request of the wrong length is exception 3", "04000000", "8403"],
  ])("%s", (_case, request, reply) => {
    expect(answer(Buffer.from(request, "hex"), pzem004t(view)).toString("hex")).toBe(reply);
  });
});

describe("a SunSpec inverter", () => {
  const { holding } = sunspecInverter(
    { power: 1234, energyWh: 17_129_352, voltage: 230, frequency: 50, powerFactor: 1, temperature: 41.2 },
    { maker: "Fieldwatt", model: "Roof 3", serial: "R-1" },
  );
  // Layout from the SolarEdge dump in drivers vectors and smdx_00103.xml; WH 0x01055F88 is that dump's own value.
  it.each([
    ["SunS", 40_000, [0x5375, 0x6e53]],
    ["common model of 66 registers", 40_002, [1, 66]],
    ["maker", 40_004, [0x4669, 0x656c, 0x6477, 0x6174, 0x7400]],
    ["inverter model of 50 registers", 40_070, [103, 50]],
    ["W and its scale factor", 40_084, [1234, 0]],
    ["Hz and its scale factor", 40_086, [5000, 0xfffe]],
    ["WH and its scale factor", 40_094, [0x0105, 0x5f88, 0]],
    ["what it has not is the sentinel", 40_077, [0xffff, 0xffff, 0xffff]],
    ["it follows the power point", 40_108, [4]],
    ["end marker", 40_122, [0xffff, 0]],
  ])("has %s", (_what, address, words) => {
    expect(words.map((_, i) => holding?.get(address + i))).toEqual(words);
  });
});
