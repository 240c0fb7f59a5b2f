import { describe, expect, it } from "vitest";
import { forSeeds } from "../../test/consent/random-case.ts";
import { clampedSum, isDominated, largestStableGroup, roundToStep } from "./group.ts";

const wanting = (...wishes: number[]) => wishes.map((leastMembers) => ({ leastMembers }));

describe("the largest group that suits everybody in it", () => {
  it.each<[string, number[], number]>([
    ["nobody of nobody", [], 0],
    ["one who accepts to be alone", [1], 1],
    ["nobody, where each wants one more than there are", [4, 4, 4], 0],
    ["all, where the wish is met exactly", [3, 3, 3], 3],
    ["three of five: one leaves, and another because of it", [3, 3, 3, 5, 6], 3],
    ["nobody, after all have left one after another", [2, 3, 4, 5, 6], 0],
  ])("is %s", (_who, wishes, size) => {
    expect(largestStableGroup(wanting(...wishes))).toHaveLength(size);
  });

  it("is what trying every subset finds, in 100,000 random cases", { timeout: 300_000 }, () => {
    forSeeds(100_000, (d) => {
      const wishes = Array.from({ length: d.roll(7) }, () => 1 + d.roll(8));
      const found = largestStableGroup(wanting(...wishes)).length;
      // A subset of n who all accept n exists exactly where n wishes are at most n; the largest such n is it.
      let best = 0;
      for (let subset = 0; subset < 1 << wishes.length; subset++) {
        const chosen = wishes.filter((_, i) => subset & (1 << i));
        if (chosen.every((wish) => wish <= chosen.length)) best = Math.max(best, chosen.length);
      }
      if (found !== best) throw new Error(`${wishes}: ${found}, not ${best}`);
    });
  });
});

describe("the largest share", () => {
  const rule = { leastMembers: 2, largestSharePercent: 40 };
  it.each<[string, number[], number, boolean]>([
    ["40 of 100 is not above 40 %", [40, 30, 30], 1000, false],
    ["41 of 100 is", [41, 30, 29], 1000, true],
    ["a clamp takes the top off", [5000, 30, 30, 30, 30, 30], 100, false],
    ["a sum of nothing has no share", [0, 0], 1000, false],
  ])("%s", (_what, values, clamp, dominated) => {
    expect(
      isDominated(
        values.map((value) => ({ value })),
        { clamp, rule },
      ),
    ).toBe(dominated);
  });
});

it("a sum counts each up to the clamp", () => {
  expect(clampedSum([{ value: 5 }, { value: 500 }, { value: 100 }], 100)).toBe(205);
});

describe("rounding to a step", () => {
  it.each([
    [24_999n, 10_000n, 20_000n],
    [25_000n, 10_000n, 30_000n],
    [-25_000n, 10_000n, -20_000n],
    [-25_001n, 10_000n, -30_000n],
    [10n, 7n, 7n],
    [11n, 7n, 14n],
    [0n, 7n, 0n],
    [5n, 1n, 5n],
  ])("%d by %d is %d: the nearest, a half up", (value, step, rounded) => {
    expect(roundToStep(value, step)).toBe(rounded);
  });
});
