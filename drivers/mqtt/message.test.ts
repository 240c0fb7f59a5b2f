import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { decodeMessage, loadCatalogue, type Decoded } from "../index.ts";
import { targetName } from "../value.ts";

const catalogue = await loadCatalogue();
const shelly = catalogue.find("shelly-energy");
const weather = catalogue.find("fieldwatt-weather-station");
const values = ({ samples }: Decoded) =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));

describe("the topic of a message", () => {
  it.each([
    ["below the base", "house-7/plug", "house-7/plug/status/switch:0", { activePower: 5 }],
    ["with a second part", "house-7/plug", "house-7/plug/status/switch:1", { "activePower.1": 5 }],
    [
      "where the base names the second part",
      "plug/status/switch:1",
      "plug/status/switch:1",
      { activePower: 5 },
    ],
    ["without a base", undefined, "shellyplus1pm-a1/status/switch:0", { activePower: 5 }],
    ["of something else", "house-7/plug", "house-7/plug/status/sys", {}],
    ["that only looks alike", "house-7/plug", "house-7/plug/status/switch:x", {}],
  ])("%s", (_what, base, topic, expected) => {
    const payload = '{"id":0,"apower":5}';
    expect(values(decodeMessage(shelly, { topic, payload, ...(base !== undefined && { base }) }))).toEqual(
      expected,
    );
  });

  it.each([
    ["shellies/em-1", "shellies/em-1/emeter/1/power", { "activePower.1": 7.5 }],
    ["shellies/em-1/emeter/1", "shellies/em-1/emeter/1/power", { activePower: 7.5 }],
    ["shellies/shellyem3-a1", "shellies/shellyem3-a1/emeter/1/power", { "activePower.L2": 7.5 }],
  ])("of the first generation: %s, %s", (base, topic, expected) => {
    expect(values(decodeMessage(shelly, { topic, base, payload: "7.5" }))).toEqual(expected);
  });

  it("outside the base is refused", () => {
    const message = { topic: "house-70/plug/status/switch:0", base: "house-7", payload: "{}" };
    expect(() => decodeMessage(shelly, message)).toThrow(
      expect.objectContaining({ code: "DECODE_INPUT_INVALID" }),
    );
  });
});

describe("a payload that is not what it should be", () => {
  it.each([
    ["not JSON", "a/status/switch:0", "hello", "malformed"],
    ["a null", "a/status/switch:0", '{"apower":null}', "sentinel"],
    ["a word", "a/status/switch:0", '{"apower":"on"}', "malformed"],
    ["an object", "a/status/switch:0", '{"apower":{"x":1}}', "malformed"],
    ["beyond every number", "a/status/switch:0", '{"apower":1e999}', "notANumber"],
    ["text that says that there is no number", "shellies/a/emeter/0/power", "nan", "sentinel"],
    ["text that is no number", "shellies/a/emeter/0/power", "12 W", "malformed"],
    ["empty text", "shellies/a/emeter/0/power", "", "malformed"],
  ])("(%s) gives a problem and no value", (_what, topic, payload, code) => {
    const decoded = decodeMessage(shelly, { topic, payload });
    expect(decoded.samples).toEqual([]);
    expect(decoded.problems.map((problem) => problem.code)).toEqual([code]);
  });

  it("is no reason to lose the values beside it", () => {
    const decoded = decodeMessage(shelly, {
      topic: "a/status/switch:0",
      payload: '{"apower":"on","voltage":230}',
    });
    expect(values(decoded)).toEqual({ voltage: 230 });
  });
});

describe("a SenML pack", () => {
  const decode = (pack: unknown, now?: number) =>
    decodeMessage(weather, {
      topic: "ws/senml",
      payload: JSON.stringify(pack),
      ...(now !== undefined && { now: instant(now) }),
    });

  it("keeps the logger's own times", () => {
    const { samples } = decode([
      { bn: "ws:", bt: 1_781_524_800, n: "airTemperature", u: "Cel", t: -60, v: 21 },
    ]);
    expect(samples).toEqual([{ quantity: "airTemperature", value: 21, time: 1_781_524_740_000 }]);
  });

  it("counts a relative time from the arrival (RFC 8428, 4.5.3), and has no time for now", () => {
    const pack = [
      { n: "airTemperature", u: "Cel", t: -60, v: 21 },
      { n: "airTemperature", u: "Cel", v: 22 },
    ];
    expect(decode(pack, 1_781_524_800_000).samples).toEqual([
      { quantity: "airTemperature", value: 21, time: 1_781_524_740_000 },
      { quantity: "airTemperature", value: 22 },
    ]);
    expect(decode(pack).problems.map((problem) => problem.code)).toEqual(["malformed"]);
  });

  it.each([
    ["a unit of another quantity", [{ n: "airTemperature", u: "V", v: 1 }]],
    ["a label that must be understood (RFC 8428, 4.4)", [{ n: "airTemperature", v: 1, secret_: 1 }]],
    ["a newer version", [{ bver: 11, n: "airTemperature", v: 1 }]],
    ["an object in place of the list", { n: "airTemperature", v: 1 }],
  ])("with %s is a problem", (_what, pack) => {
    const decoded = decode(pack);
    expect(decoded.samples).toEqual([]);
    expect(decoded.problems.map((problem) => problem.code)).toEqual(["malformed"]);
  });
});
