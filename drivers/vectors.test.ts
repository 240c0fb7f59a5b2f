import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Decoded } from "./driver.ts";
import { bytesFromHex, decodeRegisters, decodeRtu, decodeSerialBytes, loadCatalogue } from "./index.ts";
import { withCrc } from "./modbus/crc.ts";
import { parseTable } from "./modbus/dump.ts";
import { resolveSenml } from "./mqtt/senml.ts";
import { targetName } from "./value.ts";

/** Public vectors; every file in test/captures names its source. Expected values are those of the source. */
const catalogue = await loadCatalogue();

const captures = new URL("../test/captures/", import.meta.url);
const capture = async <Input extends z.ZodRawShape>(id: string, input: Input) =>
  z
    .looseObject({ input: z.looseObject(input) })
    .parse(JSON.parse(await readFile(new URL(`${id}.json`, captures), "utf8"))).input;

const values = ({ samples }: Decoded): Record<string, number> =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
const codes = ({ problems }: Decoded): string[] => [...new Set(problems.map((problem) => problem.code))];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("Modbus RTU", () => {
  it("reads a captured PZEM-004T v3 reply, low word first", async () => {
    const { response_hex } = await capture("modbus-pzem004t-v3-1", { response_hex: z.string() });
    const request = hex(withCrc(Uint8Array.of(1, 4, 0, 0, 0, 10)));
    const decoded = decodeRtu(catalogue.find("pzem-004t-v3"), request, response_hex);
    expect(values(decoded)).toEqual({
      voltage: 225.7,
      current: 0.108,
      activePower: 24.4,
      activeEnergyImport: 38,
      frequency: 50,
      powerFactor: 1,
    });
    expect(decoded.problems).toEqual([]);
  });

  it.each([
    ["modbus-sdm-230.2V", "eastron-sdm120", { voltage: 230.2 }],
    ["modbus-sdm-230.2V", "eastron-sdm630", { "voltage.L1": 230.2 }],
    ["modbus-zts3000-soil-negative", "zts-3000-tr-ws-n01", { soilMoisture: 0.356, soilTemperature: -3.5 }],
  ])("reads the manual's example %s as %s", async (id, device, expected) => {
    const { request_hex, response_hex } = await capture(id, {
      request_hex: z.string(),
      response_hex: z.string(),
    });
    expect(values(decodeRtu(catalogue.find(device), request_hex, response_hex))).toEqual(expected);
  });
});

describe("Modbus in other envelopes and layouts", () => {
  it("reads a captured GoodWe datagram behind AA 55, asked for the inverter's meter", async () => {
    const { frame_hex, first_register } = await capture("goodwe-et-meter", {
      frame_hex: z.string(),
      first_register: z.number(),
    });
    const request = hex(withCrc(Uint8Array.of(0xf7, 3, first_register >> 8, first_register & 0xff, 0, 45)));
    const decoded = decodeRtu(catalogue.find("goodwe-et-meter"), request, frame_hex);
    // tests/test_et.py of marcelblijleven/goodwe: W, Hz, kWh (rounded to 3 decimals) and power factor.
    expect(values(decoded)).toMatchObject({
      "activePower.L1": -57,
      "activePower.L2": -46,
      "activePower.L3": -6,
      activePower: -110,
      frequency: 50.05,
      "powerFactor.L1": -0.145,
    });
    expect(values(decoded).activeEnergyExport).toBeCloseTo(10_514, 0);
    expect(values(decoded).activeEnergyImport).toBeCloseTo(3_254_462, 0);
    const damaged = decodeRtu(catalogue.find("goodwe-et-meter"), request, frame_hex.replace("ffc7", "ffc6"));
    expect([damaged.samples, codes(damaged)]).toEqual([[], ["checksum"]]);
  });

  it("divides the floats of a DTSU666", async () => {
    const { registers: rows } = await capture("dtsu666-scaled-float", {
      registers: z.array(z.object({ addr: z.number(), hex: z.string() })),
    });
    const holding = parseTable(Object.fromEntries(rows.map((row) => [row.addr, row.hex])));
    const decoded = decodeRegisters(catalogue.find("dtsu666"), { input: new Map(), holding });
    expect(values(decoded)).toEqual({
      "voltage.L1": 230.1,
      activePower: -150,
      frequency: 50.01,
      activeEnergyImport: 1_234_500,
    });
  });
});

describe("SunSpec", () => {
  const registers = async (id: string) => {
    const { registers: rows } = await capture(id, {
      registers: z.array(z.object({ addr: z.number(), hex: z.string() })),
    });
    return {
      input: new Map<number, number>(),
      holding: parseTable(Object.fromEntries(rows.map((row) => [row.addr, row.hex]))),
    };
  };

  it("discovers a SolarEdge SE33.3K at base 0 and reads model 103 with its scale factors", async () => {
    const decoded = decodeRegisters(
      catalogue.find("sunspec-inverter"),
      await registers("sunspec-solaredge-se33k-103"),
    );
    expect(values(decoded)).toMatchObject({
      activePower: 0,
      "voltage.L1": 283.1,
      "voltage.L2": 283.4,
      "voltage.L3": 279.6,
      frequency: 59.99,
      activeEnergyExport: 17129352,
      "deviceTemperature.heatSink": 0,
    });
    expect(values(decoded)).not.toHaveProperty("deviceTemperature");
    expect(codes(decoded)).toEqual(["sentinel"]);
  });

  it("discovers a Fronius Symo at base 40000 and reads the floats of model 113", async () => {
    const decoded = decodeRegisters(
      catalogue.find("sunspec-inverter"),
      await registers("sunspec-fronius-113-float"),
    );
    const found = values(decoded);
    expect(found).toMatchObject({
      current: 0.7,
      activePower: 70,
      apparentPower: 70,
      reactivePower: 0,
      powerFactor: 1,
    });
    expect(found).toMatchObject({ activeEnergyExport: 11937020, "current.dc": 0.15 });
    expect(found["voltage.L1"]).toBeCloseTo(247.400009, 4);
    expect(found["voltage.L3-L1"]).toBeCloseTo(426.200012, 4);
    expect(found["activePower.dc"]).toBeCloseTo(61.034996, 4);
    expect(found).not.toHaveProperty("deviceTemperature");
  });
});

describe("VE.Direct", () => {
  const decode = async (id: string, device: string) =>
    decodeSerialBytes(catalogue.find(device), bytesFromHex((await capture(id, { hex: z.string() })).hex));

  it("reads a BlueSolar block", async () => {
    const decoded = await decode("vedirect-mppt-ok", "victron-mppt");
    expect(values(decoded)).toMatchObject({
      "voltage.battery": 12.53,
      "current.battery": 0.64,
      "voltage.pv": 31.39,
      "activePower.pv": 8,
      "activeEnergyExport.pv": 82720,
    });
    expect(decoded.problems).toEqual([]);
  });

  it("strips a HEX frame that stands between the lines", async () => {
    const decoded = await decode("vedirect-hex-interleaved", "victron-mppt");
    expect(values(decoded)).toMatchObject({ "voltage.battery": 12.54, "activePower.pv": 8 });
    expect(decoded.problems).toEqual([]);
  });

  it("joins the two blocks of a battery monitor", async () => {
    expect(values(await decode("vedirect-bmv-two-blocks", "victron-bmv"))).toMatchObject({
      "voltage.battery": 12.065,
      "current.battery": -7.625,
      "activePower.battery": -92,
      stateOfCharge: 83.9,
      "activeEnergyImport.battery": 85270,
      "activeEnergyExport.battery": 68430,
    });
  });

  it("leaves a damaged block out", async () => {
    const { hex: text } = await capture("vedirect-mppt-ok", { hex: z.string() });
    const damaged = decodeSerialBytes(
      catalogue.find("victron-mppt"),
      bytesFromHex(text.replace("3132353330", "3132353331")),
    );
    expect(damaged.samples).toEqual([]);
    expect(codes(damaged)).toEqual(["checksum"]);
  });

  it("begins in the middle of a block and reads the next", async () => {
    const { hex: text } = await capture("vedirect-mppt-ok", { hex: z.string() });
    const stream = bytesFromHex(text.slice(60) + text);
    const decoded = decodeSerialBytes(catalogue.find("victron-mppt"), stream);
    expect(values(decoded)).toMatchObject({ "activePower.pv": 8 });
    expect(codes(decoded)).toEqual(["truncated"]);
  });
});

describe("SenML", () => {
  const record = z.object({ n: z.string(), u: z.string(), t: z.number(), v: z.number() });
  it.each(["senml-ex3", "senml-ex6"])("resolves the example %s of RFC 8428", async (id) => {
    const text = await readFile(new URL(`${id}.json`, captures), "utf8");
    const file = z.looseObject({
      input: z.object({ pack: z.unknown() }),
      expected: z.object({ resolved: z.array(record) }),
    });
    const { input, expected } = file.parse(JSON.parse(text));
    const resolved = resolveSenml(input.pack).map(({ name, unit, time, value }) => ({
      n: name,
      u: unit,
      t: time.seconds,
      v: value,
    }));
    expect(resolved).toEqual(expected.resolved);
  });
});
