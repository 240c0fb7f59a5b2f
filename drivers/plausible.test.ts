import { describe, expect, it } from "vitest";
import { instant } from "../domain/model/index.ts";
import { parseDeviceFile } from "./device-file.ts";

import { openPlausibility } from "./plausible.ts";

const meter = (point: string) =>
  parseDeviceFile(
    "acme.yaml",
    `id: acme-meter\nmaker: Acme\nmodel: m\nsource: made by hand\nmodbus: { table: input }\npoints:\n  activeEnergyImport: { at: 0, as: uint32, unit: kWh, ${point} }\n`,
  );

/** The qualities of a row of values; "ok" where nothing is said. Values in Wh, limits of the file in kWh. */
const judge = (point: string, values: readonly number[]): string[] => {
  const follow = openPlausibility(meter(point));
  return values.map((value) => {
    const { samples, problems } = follow({
      samples: [{ quantity: "activeEnergyImport", value }],
      problems: [],
    });
    const [sample] = samples;
    expect(problems.map(({ code }) => code)).toEqual(sample?.quality ? ["outOfRange"] : []);
    return sample?.quality ?? "ok";
  });
};

describe("a reading that cannot follow the one before it", () => {
  it.each([
    [
      "a jump, and back",
      "valid: { maxStep: 5 }",
      [1000, 1500, 90_000, 1600],
      ["ok", "ok", "implausible", "ok"],
    ],
    [
      "a jump that the next confirms",
      "valid: { maxStep: 5 }",
      [1000, 90_000, 90_500],
      ["ok", "implausible", "ok"],
    ],
    ["a counter that falls", "counter: { kind: monotonic }", [1000, 0, 1001], ["ok", "implausible", "ok"]],
    ["a new meter", "counter: { kind: monotonic }", [90_000, 5, 6, 7], ["ok", "implausible", "ok", "ok"]],
    ["a counter that goes round", "counter: { kind: monotonic, modulus: 100 }", [99_500, 300], ["ok", "ok"]],
    [
      "a daily counter at midnight",
      "valid: { maxStep: 5 }, counter: { kind: daily }",
      [9000, 0, 100],
      ["ok", "ok", "ok"],
    ],
    ["a counter that somebody reset", "counter: { kind: resettable }", [9000, 0], ["ok", "ok"]],
    ["no rule at all", "scale: 1", [9000, 0, 1e9], ["ok", "ok", "ok"]],
  ])("is marked and told: %s", (_what, point, values, expected) => {
    expect(judge(point, values)).toEqual(expected);
  });
});

/** The same limits in a file of each other form; the key is the target. */
const FORMS = {
  mqtt: 'mqtt: { messages: [{ topic: "+/s", points: { activePower: { from: p, unit: W } } }] }',
  telegram: "telegram: { protocol: dsmr }",
  lorawan: "lorawan: { codec: plain, points: { activePower: { as: uint16, unit: W } } }",
  serial: "serial: { protocol: vedirect, baudRate: 19200 }\npoints: { activePower: { field: P, unit: W } }",
  sunspec:
    "sunspec: { bases: [40000], models: [{ ids: [101], points: { activePower: { at: 14, as: int16, unit: W } } }] }",
};
const LIMITS = `limits:
  activePower: { unit: kW, valid: { min: -1, max: 20, maxStep: 5 } }
  activePower.L2: { unit: W, valid: { max: 100 } }
  activeEnergyImport: { unit: kWh, counter: { kind: monotonic } }
`;

describe.each(Object.entries(FORMS))("a device file with %s", (_form, speaks) => {
  const define = (limits: string) =>
    parseDeviceFile(
      "acme.yaml",
      `id: acme-meter\nmaker: Acme\nmodel: m\nsource: by hand\n${speaks}\n${limits}`,
    );

  it.each([
    [
      "a range",
      { quantity: "activePower" },
      [300, 20_001, -1_001, 400],
      ["ok", "implausible", "implausible", "ok"],
    ],
    ["a jump", { quantity: "activePower" }, [300, 6_000, 350], ["ok", "implausible", "ok"]],
    [
      "a channel without limits of its own",
      { quantity: "activePower", channel: "L1" },
      [300, 20_001],
      ["ok", "implausible"],
    ],
    ["a channel with its own", { quantity: "activePower", channel: "L2" }, [90, 110], ["ok", "implausible"]],
    ["a counter that falls", { quantity: "activeEnergyImport" }, [1_000, 900], ["ok", "implausible"]],
    ["what it does not name", { quantity: "voltage" }, [230, 1e9], ["ok", "ok"]],
  ] as const)("limits %s", (_what, target, values, expected) => {
    const follow = openPlausibility(define(LIMITS));
    const told = values.map((value) => follow({ samples: [{ ...target, value }], problems: [] }));
    expect(told.map(({ samples }) => samples[0]?.quality ?? "ok")).toEqual(expected);
    expect(told.map(({ problems }) => (problems[0]?.code === "outOfRange" ? "implausible" : "ok"))).toEqual(
      expected,
    );
  });

  it("refuses limits that are none", () => {
    expect(() => define("limits: { activePower: { unit: kWh, valid: { max: 1 } } }")).toThrow(
      /cannot be given in/,
    );
    expect(() => define("limits: { activePower: { unit: W } }")).toThrow(/valid, counter or both/);
  });
});

it("does not hold a logger's backlog against what came after it", () => {
  const follow = openPlausibility(
    parseDeviceFile(
      "acme.yaml",
      `id: acme-m\nmaker: Acme\nmodel: m\nsource: by hand\n${FORMS.mqtt}\n${LIMITS}`,
    ),
  );
  const at = (minutes: number, value: number) =>
    follow({
      samples: [{ quantity: "activeEnergyImport", value, time: instant(minutes * 60_000) }],
      problems: [],
    }).samples[0]?.quality ?? "ok";
  expect([at(60, 1_000), at(30, 900), at(61, 1_010), at(62, 20)]).toEqual(["ok", "ok", "ok", "implausible"]);
});
