import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModbusPoint } from "../definition.ts";
import { planBlocks, type Block } from "./plan.ts";
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

  it("reads the registers that points depend on, and every word of a value in parts", () => {
    const ratio = { name: "ct", table: "input", at: 9, as: "uint16", order: "ABCD", scale: 1 } as const;
    const points = [
      { ...point(0), times: [ratio] },
      { ...point(4, "uint32"), parts: [7, 4] },
    ];
    expect(
      planBlocks({ points, maxGap: 0, maxRegisters: 125 }).map((block) => [block.at, block.count]),
    ).toEqual([
      [0, 1],
      [4, 4],
      [9, 1],
    ]);
  });

  it("takes a value in parts apart where a forbidden address lies between them", () => {
    const points = [{ ...point(4, "uint32"), parts: [7, 4] }];
    const blocks = planBlocks({ points, maxGap: 10, maxRegisters: 125, forbidden: [[5, 6]] });
    expect(blocks.map((block) => [block.at, block.count])).toEqual([
      [4, 1],
      [7, 1],
    ]);
  });

  it("covers every point, within the limit, never splits a value or a group, never touches a forbidden address", () => {
    const types = fc.constantFrom(...(Object.keys(WORD_COUNTS) as WordType[]));
    const row = fc.record({
      gap: fc.nat(6),
      as: types,
      forbid: fc.boolean(),
      group: fc.constantFrom(undefined, "a", "b"),
    });
    const limits = fc.record({ maxGap: fc.nat(10), maxRegisters: fc.integer({ min: 16, max: 125 }) });
    const property = fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), limits, (rows, limit) => {
      const { points, forbidden } = layout(rows, limit.maxRegisters);
      const blocks = planBlocks({ points, forbidden, ...limit });
      if (new Set(blocks.flatMap((block) => block.points)).size !== points.length)
        throw new Error("a point is not read");
      for (const block of blocks) check(block, limit.maxRegisters, forbidden);
      for (const name of ["a", "b"]) {
        const holding = blocks.filter((block) => block.points.some(({ atomic }) => atomic === name));
        if (holding.length > 1) throw new Error(`group ${name} is split`);
      }
    });
    fc.assert(property, { seed: 20260615, numRuns: 100_000 });
  }, 120_000);
});

interface Row {
  readonly gap: number;
  readonly as: WordType;
  readonly forbid: boolean;
  readonly group: string | undefined;
}

/** Points one after the other; a gap may be forbidden; a group is kept only while it fits in one request, as files must. */
function layout(rows: readonly Row[], maxRegisters: number) {
  const points: ModbusPoint[] = [];
  const forbidden: [number, number][] = [];
  const starts = new Map<string, number>();
  let at = 0;
  for (const { gap, as, forbid, group } of rows) {
    const placed = point(at + gap, as);
    if (forbid && gap > 0) forbidden.push([at, at + gap - 1]);
    const end = placed.at + WORD_COUNTS[as];
    const start = group === undefined ? undefined : (starts.get(group) ?? placed.at);
    const fits =
      start !== undefined &&
      end - start <= maxRegisters &&
      !forbidden.some(([from]) => from >= start && from < end);
    if (group !== undefined && fits) starts.set(group, start);
    points.push(group !== undefined && fits ? { ...placed, atomic: group } : placed);
    at = end;
  }
  return { points, forbidden };
}

function check(block: Block, maxRegisters: number, forbidden: readonly (readonly [number, number])[]): void {
  const last = block.at + block.count - 1;
  if (block.count > maxRegisters) throw new Error("a block is too long");
  if (forbidden.some(([from, to]) => block.at <= to && last >= from))
    throw new Error("a forbidden address is read");
  for (const { at, as } of block.points)
    if (at < block.at || at + WORD_COUNTS[as] - 1 > last) throw new Error("a value is split");
}

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
