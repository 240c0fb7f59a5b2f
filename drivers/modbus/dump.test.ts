import { describe, expect, it } from "vitest";
import { decodeRegisters, decodeRtu, loadCatalogue, parseRegisters, type Decoded } from "../index.ts";
import { targetName } from "../value.ts";
import { withCrc } from "./crc.ts";

const catalogue = await loadCatalogue();
const sdm120 = catalogue.find("eastron-sdm120");
const values = ({ samples }: Decoded) =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
const codes = ({ problems }: Decoded) => problems.map((problem) => problem.code);
const frame = (...bytes: number[]): string => Buffer.from(withCrc(Uint8Array.from(bytes))).toString("hex");

/** The manual's example, quoted in arendst/Tasmota xnrg_*sdm*.ino: 230.2 V. */
const REQUEST = "01040000000271CB";
const REPLY = "010404436633341B38";

describe("one request and its reply", () => {
  it.each([
    ["as they are", REQUEST, REPLY],
    ["in lower case", REQUEST.toLowerCase(), REPLY.toLowerCase()],
    ["with spaces and 0x", "0x01 0x04 00 00 00 02 71 CB", " 01 04 04 43 66 33 34 1B 38\n"],
    ["with colons, the request without its CRC", "01:04:00:00:00:02", "01:04:04:43:66:33:34:1B:38"],
  ])("are read %s", (_form, request, reply) => {
    expect(decodeRtu(sdm120, request, reply)).toEqual({
      samples: [{ quantity: "voltage", value: 230.2 }],
      problems: [],
    });
  });

  it.each([
    ["the reply's CRC is wrong", REQUEST, "010404436633341B39", "checksum"],
    ["a byte of the reply is damaged", REQUEST, "010404436733341B38", "checksum"],
    ["the request's CRC is wrong", "01040000000271CC", REPLY, "checksum"],
    ["the reply is cut off", REQUEST, "0104044366", "truncated"],
    ["the reply is from another unit", REQUEST, frame(2, 4, 4, 0x43, 0x66, 0x33, 0x34), "unexpectedReply"],
    [
      "the reply has too many registers",
      REQUEST,
      frame(1, 4, 6, 0x43, 0x66, 0x33, 0x34, 0, 0),
      "unexpectedReply",
    ],
    ["the device refuses the address", REQUEST, frame(1, 0x84, 2), "illegalAddress"],
    ["the device is busy", REQUEST, frame(1, 0x84, 6), "unexpectedReply"],
    ["no point lies in the registers", frame(1, 4, 0, 2, 0, 1), frame(1, 4, 2, 0, 0), "missingRegister"],
    ["only half of a value is there", frame(1, 4, 0, 0, 0, 1), frame(1, 4, 2, 0x43, 0x66), "missingRegister"],
  ])("give no reading, and a problem, when %s", (_what, request, reply, problem) => {
    const decoded = decodeRtu(sdm120, request, reply);
    expect(decoded.samples).toEqual([]);
    expect(codes(decoded)).toEqual([problem]);
  });

  it.each([
    ["not hex", "hello", REPLY],
    ["a request to write", frame(1, 6, 0, 0, 0, 1), REPLY],
    ["a request for 126 registers", frame(1, 4, 0, 0, 0, 126), REPLY],
  ])("throw DECODE_INPUT_INVALID for %s", (_what, request, reply) => {
    expect(() => decodeRtu(sdm120, request, reply)).toThrow(
      expect.objectContaining({ code: "DECODE_INPUT_INVALID" }),
    );
  });
});

describe("a register dump", () => {
  it.each([
    ["a list of words", { input: { "12": ["4489", "8000"] } }],
    ["words with 0x and a hex address", { input: { "0x000c": ["0x4489", "0x8000"] } }],
    ["a row of hex", { input: { "12": "4489 8000" } }],
    ["one word an address", { input: { "12": ["4489"], "13": ["8000"] }, holding: {} }],
  ])("may be %s", (_form, json) => {
    expect(values(decodeRegisters(sdm120, parseRegisters(json)))).toEqual({ activePower: 1100 });
  });

  it("of another table gives nothing", () => {
    const decoded = decodeRegisters(sdm120, parseRegisters({ holding: { "12": ["4489", "8000"] } }));
    expect(decoded).toEqual({ samples: [], problems: [] });
  });

  it.each([
    [[]],
    [{ coils: {} }],
    [{ input: { x: ["0000"] } }],
    [{ input: { "0": [17] } }],
    [{ input: { "0": ["12345"] } }],
  ])("that is %j is refused", (json) => {
    expect(() => parseRegisters(json)).toThrow(expect.objectContaining({ code: "DECODE_INPUT_INVALID" }));
  });
});

/** By hand from sunspec/models json/model_103.json: a chain at 40000 with one model 103. */
function inverter(change: Record<number, string>): Decoded {
  const model: Record<number, string> = {
    0: "0067",
    1: "0032",
    14: "2710",
    15: "0000",
    52: "ffff",
    53: "0000",
    ...change,
  };
  const rows = Object.entries(model).map(([offset, word]) => [String(40_002 + Number(offset)), [word]]);
  const holding = { "40000": ["5375", "6e53"], ...Object.fromEntries(rows) };
  return decodeRegisters(catalogue.find("sunspec-inverter"), parseRegisters({ holding }));
}

describe("a SunSpec model", () => {
  it.each([
    [
      "a power factor in percent is a ratio (Fronius: 64.2)",
      { 22: "0282", 23: "ffff" },
      { powerFactor: 0.642 },
    ],
    [
      "a power factor as a ratio stays one (SMA: -0.998)",
      { 22: "fc1a", 23: "fffd" },
      { powerFactor: -0.998 },
    ],
    ["a scale factor of 3 makes W of kW", { 14: "0019", 15: "0003" }, { activePower: 25_000 }],
  ])("%s", (_what, change, expected) => {
    expect(values(inverter(change))).toMatchObject(expected);
  });

  it.each([
    ["a value that is not implemented", { 14: "8000" }, "sentinel"],
    ["a scale factor that is not implemented", { 15: "8000" }, "sentinel"],
    ["a scale factor of 40", { 15: "0028" }, "outOfRange"],
    ["a scale factor that is not in the dump", { 15: "8000", 14: "0001" }, "sentinel"],
    ["an accumulator at 0, which is unknown", { 14: "8000", 24: "0000", 25: "0000", 26: "0000" }, "sentinel"],
  ])("gives no value for %s", (_what, change, code) => {
    const decoded = inverter(change);
    expect(decoded.samples).toEqual([]);
    expect(codes(decoded)).toContain(code);
  });

  it("is told apart from a dump without SunS, an unknown model and a chain without its end", () => {
    const decode = (holding: Record<string, string[]>) =>
      codes(decodeRegisters(catalogue.find("sunspec-inverter"), parseRegisters({ holding })));
    expect(decode({ "40000": ["1234", "5678"] })).toEqual(["missingRegister"]);
    expect(decode({ "0": ["5375", "6e53", "fa00", "0001", "0000", "ffff"] })).toEqual(["unknownModel"]);
    expect(decode({ "50000": ["5375", "6e53", "fa00", "0001", "0000"] })).toEqual([
      "unknownModel",
      "truncated",
    ]);
  });
});
