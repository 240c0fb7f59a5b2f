import { describe, expect, it } from "vitest";
import { parseDeviceFile } from "./index.ts";
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
