import { describe, expect, it } from "vitest";
import { parseRegisters } from "./dump.ts";
import { commonLayouts, parseDisplay, solve, type Display } from "./solve.ts";

const display = (text: string): Display => {
  const parsed = parseDisplay(text);
  if (!parsed) throw new Error(`${text} is no display`);
  return parsed;
};

describe("a meter's display", () => {
  it.each([
    ["231.2 V", 231.2, 0.1],
    ["  -0,35 kW", -0.35, 0.01],
    ["50", 50, 1],
    ["−3.5 °C", -3.5, 0.1],
  ])("%j is a number with the tolerance of its digits", (text, value, tolerance) => {
    expect(display(text)).toMatchObject({ value, tolerance });
  });

  it("without a number is none", () => {
    expect(parseDisplay("Err 3")).toBeUndefined();
  });
});

/** By hand: 230.2 V as a float (IEEE 754, the manual's example of the SDM120), 2312 tenths, 1234.5 W low word first. */
const METER = parseRegisters({
  input: { "0": ["4366", "3333"], "20": ["0908"], "30": ["3039", "0000"] },
  holding: { "5": ["df99"] },
});

describe("the registers that explain it", () => {
  it.each([
    ["230.2 V", { table: "input", at: 0, as: "float32", order: "ABCD", scale: 1 }],
    ["231.2 V", { table: "input", at: 20, as: "uint16", order: "ABCD", scale: 0.1 }],
    ["1234.5 W", { table: "input", at: 30, as: "uint16", order: "ABCD", scale: 0.1 }],
    ["-82.95 A", { table: "holding", at: 5, as: "int16", order: "ABCD", scale: 0.01 }],
  ])("of %s are named first, with type, order and scale", (text, expected) => {
    expect(solve(display(text), METER)[0]).toMatchObject(expected);
  });

  it("are none where nothing says so", () => {
    expect(solve(display("7777.77"), METER)).toEqual([]);
  });

  it("of several values at once name the layout that they share", () => {
    // By hand: 100000 and 123456 as double words with the low word first (0x000186A0, 0x0001E240).
    const registers = parseRegisters({ holding: { "10": ["86a0", "0001", "e240", "0001"] } });
    const [best] = commonLayouts([
      solve(display("10000.0"), registers),
      solve(display("12345.6"), registers),
    ]);
    expect(best).toEqual({ table: "holding", as: "uint32", order: "CDAB", explains: 2 });
  });
});
