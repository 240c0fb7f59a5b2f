import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModbusPoint } from "../definition.ts";
import { planBlocks } from "./plan.ts";
import { numberFrom, ORDERS, WORD_COUNTS, type WordType } from "./words.ts";

const point = (at: number, as: WordType = "uint16"): ModbusPoint => ({
  quantity: "voltage",
  table: "input",
  at,
  as,
  order: "ABCD",
  sentinels: [],
  unit: "V",
  scale: 1,
});

describe("the read planner", () => {
  it.each([
    ["neighbours", [point(0), point(1, "float32"), point(3)], 0, 125, [[0, 4]]],
    [
      "not over a gap",
      [point(0), point(2)],
      0,
      125,
      [
        [0, 1],
        [2, 1],
      ],
    ],
    ["over a gap that is allowed", [point(0), point(2)], 1, 125, [[0, 3]]],
    [
      "not beyond the device's limit",
      [point(0, "float32"), point(2, "float32")],
      0,
      3,
      [
        [0, 2],
        [2, 2],
      ],
    ],
    ["in any order", [point(3), point(0, "float32"), point(2)], 0, 125, [[0, 4]]],
  ])("merges %s", (_what, points, maxGap, maxRegisters, expected) => {
    expect(planBlocks({ points, maxGap, maxRegisters }).map((block) => [block.at, block.count])).toEqual(
      expected,
    );
  });

  it("reads every register of every point once, within the limit, and never splits a value", () => {
    const types = fc.constantFrom(...(Object.keys(WORD_COUNTS) as WordType[]));
    const layout = fc.array(fc.tuple(fc.nat(6), types), { minLength: 1, maxLength: 60 });
    const property = fc.property(
      layout,
      fc.nat(10),
      fc.integer({ min: 4, max: 125 }),
      (rows, maxGap, maxRegisters) => {
        let at = 0;
        const points = rows.map(([gap, as]) => {
          const placed = point(at + gap, as);
          at = placed.at + WORD_COUNTS[as];
          return placed;
        });
        const blocks = planBlocks({ points, maxGap, maxRegisters });
        expect(blocks.flatMap((block) => block.points)).toEqual(points);
        for (const block of blocks) {
          expect(block.count).toBeLessThanOrEqual(maxRegisters);
          for (const { at: first, as } of block.points) {
            expect(first >= block.at && first + WORD_COUNTS[as] <= block.at + block.count).toBe(true);
          }
        }
      },
    );
    fc.assert(property, { seed: 20260615 });
  });
});

describe("values of several registers", () => {
  it.each([
    ["ABCD", [0x0001, 0xe240]],
    ["CDAB", [0xe240, 0x0001]],
    ["BADC", [0x0100, 0x40e2]],
    ["DCBA", [0x40e2, 0x0100]],
  ] as const)("are put together in the order %s (123456 is 0x0001E240)", (order, words) => {
    expect(numberFrom(words, "uint32", order)).toBe(123_456);
  });

  it.each([
    ["int16", [0xffdd], -35],
    ["uint16", [0xffdd], 65_501],
    ["int32", [0xffff, 0xfe0c], -500],
    ["uint64", [0, 0, 0x0001, 0xe240], 123_456],
    ["int64", [0xffff, 0xffff, 0xffff, 0xfff6], -10],
    ["float32", [0xc3fa, 0x0000], -500],
    ["float32", [0x4640, 0xe6b6], 12_345.678],
  ] as const)("of the type %s: %j is %d", (as, words, expected) => {
    expect(numberFrom(words, as, "ABCD")).toBe(expected);
  });

  it("know all orders", () => {
    expect(ORDERS).toHaveLength(4);
  });
});
