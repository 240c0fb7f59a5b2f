import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { parseDeviceFile } from "../device-file.ts";
import { decodeRegisters, loadCatalogue, type Decoded, type DeviceDefinition } from "../index.ts";
import { targetName } from "../value.ts";
import { withOptions } from "../options.ts";
import { decodeReads } from "./points.ts";
import { bitPattern, WORD_COUNTS } from "./words.ts";

const definition = (body: string): DeviceDefinition =>
  parseDeviceFile("acme.yaml", `id: acme-meter\nmaker: Acme\nmodel: m\nsource: made by hand\n${body}`);
const decode = (device: DeviceDefinition, words: Readonly<Record<number, number>>): Decoded =>
  decodeRegisters(device, {
    input: new Map(),
    holding: new Map(Object.entries(words).map(([at, word]) => [Number(at), word])),
  });
const values = ({ samples }: Decoded) =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
const codes = ({ problems }: Decoded) => problems.map(({ code }) => code);

const RICH = definition(`modbus: { table: holding, forbidden: [5] }
registers:
  pt: { at: 10, scale: 0.1 }
  ct: { at: 11 }
  sf: { at: 12, as: int16 }
  firmware: { at: 13 }
options: { unsigned: powers are never negative }
points:
  activePower: { at: 0, as: int16, unit: W, power10: sf, when: [{ option: unsigned, as: uint16 }] }
  voltage: { at: 1, as: uint16, unit: V, times: [pt, ct] }
  current: { at: 2, as: uint16, unit: A, scale: 0.1, when: [{ register: firmware, min: 1098, scale: 1 }] }
  frequency: { at: 3, as: uint16, unit: Hz, valid: { min: 45, max: 65 }, sentinels: [0xffff, "0x7fff"] }
  activeEnergyImport: { parts: [4, 7], as: uint32, unit: Wh }
  soilNitrogen: { at: 8, as: uint16, unit: mg/kg, notMeasured: true }
  tankLevel: { at: 9, as: uint16, unit: m, scale: 0.001, offset: -1 }
`);

// Expected values by hand from the definition above.
describe("a point", () => {
  it.each([
    ["is × 10 to the power of its scale register", { 0: 0xfffb, 12: 2 }, { activePower: -500 }],
    ["is divided by a negative power", { 0: 12345, 12: 0xfffe }, { activePower: 123.45 }],
    ["is multiplied by its transformers' ratios", { 1: 23, 10: 100, 11: 2 }, { voltage: 460 }],
    ["has another scale by firmware", { 2: 55, 13: 1097 }, { current: 5.5 }],
    ["has its new scale from that firmware on", { 2: 55, 13: 1098 }, { current: 55 }],
    [
      "lies in words that are no neighbours, the highest first",
      { 4: 1, 7: 0xe240 },
      { activeEnergyImport: 123_456 },
    ],
    ["is moved by its offset", { 9: 3500 }, { tankLevel: 2.5 }],
  ])("%s", (_what, words, expected) => {
    const decoded = decode(RICH, words);
    expect(values(decoded)).toEqual(expected);
    expect(decoded.problems).toEqual([]);
  });

  it.each([
    ["whose scale register was not read", { 0: 5 }, "missingRegister"],
    ["whose scale register is noise", { 0: 5, 12: 300 }, "outOfRange"],
    ["whose ratio was never set", { 1: 23, 10: 100, 11: 0 }, "outOfRange"],
    ["whose firmware is unknown", { 2: 55 }, "missingRegister"],
    ["that is a sentinel", { 3: 0xffff }, "sentinel"],
    ["that is a sentinel, written as hex", { 3: 0x7fff }, "sentinel"],
    ["that is half there", { 4: 1 }, "missingRegister"],
  ])("%s gives a problem and no value", (_what, words, code) => {
    expect(decode(RICH, words)).toMatchObject({ samples: [], problems: [{ code }] });
  });

  it("outside its valid range is kept, marked and told", () => {
    const decoded = decode(RICH, { 3: 500 });
    expect(decoded.samples).toEqual([{ quantity: "frequency", value: 500, quality: "implausible" }]);
    expect(codes(decoded)).toEqual(["outOfRange"]);
  });

  it("that the device only stores is an estimate", () => {
    expect(decode(RICH, { 8: 40 }).samples).toEqual([
      { quantity: "soilNitrogen", value: 40, quality: "estimated" },
    ]);
  });

  it("follows the option that the site chose", () => {
    expect(values(decode(withOptions(RICH, ["unsigned"]), { 0: 0xfffb, 12: 0 }))).toEqual({
      activePower: 65_531,
    });
    expect(() => withOptions(RICH, ["sideways"])).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});

describe("one cycle of several requests", () => {
  it("joins a value with the ratios of another request, and keeps the time of its own", () => {
    if (RICH.dialect.kind !== "modbus") throw new Error("the definition has registers");
    const read = (at: number, words: number[], time: number) =>
      ({ table: "holding", at, words, time: instant(time) }) as const;
    const decoded = decodeReads(RICH.dialect.points, [read(1, [23], 1000), read(10, [100, 2], 2000)]);
    expect(decoded).toEqual({ samples: [{ quantity: "voltage", value: 460, time: 1000 }], problems: [] });
  });
});

describe("a device file with registers", () => {
  it.each([
    ["a name that is none", "times: [rt]", 'there is no "rt" in registers'],
    ["an option that is none", "when: [{ option: x, scale: 2 }]", 'there is no "x" in options'],
    ["a condition without a limit", "when: [{ register: pt, scale: 2 }]", "is, min or max"],
    ["parts that are too few", "parts: [1, 2, 3]", "either at, or the parts"],
    [
      "a group that no request holds",
      "atomic: a }, current: { at: 200, as: uint16, unit: A, atomic: a",
      "does not fit in one request",
    ],
  ])("refuses %s", (_what, extra, message) => {
    const points = `points: { voltage: { at: 1, as: uint16, unit: V, ${extra} } }`;
    expect(() => definition(`modbus: { table: input }\nregisters: { pt: { at: 10 } }\n${points}\n`)).toThrow(
      message,
    );
  });

  it("refuses a point on a forbidden address", () => {
    const file =
      "modbus: { table: input, forbidden: [[2, 4]] }\npoints: { voltage: { at: 1, as: uint32, unit: V } }\n";
    expect(() => definition(file)).toThrow("lies on a forbidden address");
  });
});

const catalogue = await loadCatalogue();
const devices = catalogue
  .all()
  .filter(({ dialect }) => dialect.kind === "modbus" || dialect.kind === "sunspec");
const word = fc.oneof(
  fc.nat(0xffff),
  fc.constantFrom(0, 1, 0xffff, 0x8000, 0x7fff, 0x7fc0, 0x7f80, 0xff80, 0x5375, 0x6e53, 103, 160, 701),
);

describe("random registers", () => {
  it(`of ${devices.length} definitions give finite values, no exception, and nothing of a sentinel`, () => {
    const dump = fc.record({
      device: fc.nat(devices.length - 1),
      start: fc.nat(),
      words: fc.array(word, { minLength: 1, maxLength: 12 }),
      sunspec: fc.boolean(),
    });
    const property = fc.property(dump, ({ device, start, words, sunspec }) => {
      const one = devices[device];
      if (!one) return;
      const table = tableOf(one, { start, words, sunspec });
      const { samples } = decodeRegisters(one, { input: table, holding: table });
      for (const { value } of samples)
        if (!Number.isFinite(value)) throw new Error(`${one.id} gave ${value}`);
      if (sentinelsIn(one, table).some((name) => samples.some((sample) => targetName(sample) === name)))
        throw new Error(`${one.id} gave a value of a sentinel`);
    });
    fc.assert(property, { seed: 20261122, numRuns: 100_000 });
  }, 120_000);
});

/** Words near registers that the device has, so that most cases hit a point. */
function tableOf(
  { dialect }: DeviceDefinition,
  { start, words, sunspec }: { start: number; words: readonly number[]; sunspec: boolean },
): Map<number, number> {
  if (dialect.kind === "modbus") {
    const at = dialect.points[start % dialect.points.length]?.at ?? 0;
    return new Map(words.map((one, index) => [at + index, one]));
  }
  const chain = sunspec ? [0x5375, 0x6e53, ...words] : words;
  return new Map(chain.map((one, index) => [40_000 + index, one]));
}

/** Targets whose words are one of their sentinels, by the definition alone; only points without other layouts. */
function sentinelsIn({ dialect }: DeviceDefinition, table: ReadonlyMap<number, number>): string[] {
  if (dialect.kind !== "modbus") return [];
  return dialect.points.flatMap((point) => {
    if (point.when || point.sentinels.length === 0) return [];
    const addresses =
      point.parts ?? Array.from({ length: WORD_COUNTS[point.as] }, (_, index) => point.at + index);
    const words = addresses.map((address) => table.get(address)).filter((one) => one !== undefined);
    if (words.length < addresses.length) return [];
    const pattern = bitPattern(words, point.order);
    return point.sentinels.some((one) => BigInt(one) === pattern) ? [targetName(point)] : [];
  });
}
