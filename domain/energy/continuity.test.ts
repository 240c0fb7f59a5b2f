import { describe, expect, it } from "vitest";
import { instant } from "../model/index.ts";
import { discontinuity, effectOf, type Discontinuity, type Resolution } from "./continuity.ts";
import { registerLine } from "./line.ts";

const T0 = Date.UTC(2026, 5, 15, 7, 0);
const reading = (minutes: number, wh: number) => ({ time: instant(T0 + minutes * 60_000), register: wh });

describe("between two readings a minute apart", () => {
  // A PZEM-004T v3 rolls over at 9,999.99 kWh (its device file); 23 kW are 100 A at 230 V, 383 Wh a minute.
  const traits = { modulus: 9_999_990, mostPower: 23_000 };
  it.each([
    { name: "it just goes on", from: 5_000_000, to: 5_000_300, gives: undefined },
    { name: "a coarse register takes a step of a kWh", from: 5_000_000, to: 5_001_000, gives: undefined },
    { name: "float32 rounds back a little", from: 5_000_001, to: 5_000_000, gives: undefined },
    { name: "it begins again at the modulus", from: 9_999_900, to: 10, gives: ["rollover", 100] },
    { name: "it was reset", from: 5_000_000, to: 12, gives: ["reset", 12] },
    { name: "another meter hangs there", from: 5_000_000, to: 812_345, gives: ["replaced", 0] },
    { name: "it counts in another unit", from: 5_000_000, to: 5_000_100_000, gives: ["scale", 100] },
    { name: "it counts in a larger unit", from: 5_000_900, to: 5_000, gives: ["scale", 0] },
    { name: "it jumped", from: 5_000_000, to: 5_002_000, gives: ["jump", 0] },
  ])("$name", ({ from, to, gives }) => {
    const found = discontinuity(reading(0, from), reading(1, to), traits);
    expect(found && [found.kind, found.proposed]).toEqual(gives);
  });

  it("a small register that is tenfold is a jump or growth, never a change of unit", () => {
    expect(discontinuity(reading(0, 100), reading(1, 1000), traits)).toBeUndefined();
    expect(discontinuity(reading(0, 300), reading(1, 3000), traits)?.kind).toBe("jump");
  });
});

describe("what an operator says", () => {
  const replaced: Discontinuity = {
    kind: "replaced",
    before: reading(0, 5_000_000),
    after: reading(60, 812),
    proposed: 0,
  };
  it.each<{ resolution: Resolution; gives: unknown }>([
    { resolution: { kind: "asProposed" }, gives: { wattHours: 0, factor: 1 } },
    // The old register ran on by 40 Wh before it was taken down; the new one came with 800 Wh and has 812.
    {
      resolution: { kind: "registers", oldEnd: 5_000_040, newStart: 800 },
      gives: { wattHours: 52, factor: 1 },
    },
    { resolution: { kind: "energy", wattHours: 70 }, gives: { wattHours: 70, factor: 1 } },
    {
      resolution: { kind: "registers", oldEnd: 4_999_999, newStart: 0 },
      gives: expect.stringContaining("below"),
    },
    {
      resolution: { kind: "registers", oldEnd: 5_000_000, newStart: 900 },
      gives: expect.stringContaining("above"),
    },
    { resolution: { kind: "energy", wattHours: -1 }, gives: expect.stringContaining("not below 0") },
    { resolution: { kind: "scale", factor: 10 }, gives: expect.stringContaining("fallen") },
  ])("$resolution.kind has its effect, or a reason", ({ resolution, gives }) => {
    expect(effectOf(replaced, resolution)).toEqual(gives);
  });
});

describe("a line", () => {
  it("leaves out a value that the register never had, and says so", () => {
    const { points, events } = registerLine([reading(0, 5_000), reading(1, 900_000), reading(2, 5_020)]);
    expect(points.map(({ register }) => register)).toEqual([5_000, 5_020]);
    expect(events).toMatchObject([{ event: { kind: "spike" }, effect: { wattHours: 0 } }]);
  });

  it("breaks at an event until somebody settles it, then goes on with what they said", () => {
    const readings = [reading(0, 5_000), reading(5, 5_100), reading(10, 30), reading(15, 80)];
    expect(registerLine(readings).points.map(({ segment }) => segment)).toEqual([0, 0, 1, 1]);
    const at = readings[2]?.time ?? instant(0);
    const resolutions = new Map([[at, { kind: "asProposed" } as const]]);
    const { points } = registerLine(readings, { resolutions });
    expect(points.map(({ register }) => register)).toEqual([5_000, 5_100, 5_130, 5_180]);
  });

  it("doubts everything after a change of unit until it is confirmed", () => {
    const readings = [reading(0, 5_000_000), reading(5, 5_000_100_000), reading(10, 5_000_200_000)];
    expect(registerLine(readings).doubtfulFrom).toBe(readings[1]?.time);
    const resolutions = new Map([[readings[1]?.time ?? instant(0), { kind: "asProposed" } as const]]);
    const { points, doubtfulFrom } = registerLine(readings, { resolutions });
    expect([doubtfulFrom, points.map(({ register }) => register)]).toEqual([
      undefined,
      [5_000_000, 5_000_100, 5_000_200],
    ]);
  });
});
