import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { dated, forUnknownStart, LINES_KEPT, pruned, withPair, type TickLine } from "./tick-line.ts";

const START = Date.UTC(2026, 5, 15, 6);
const pair = (tick: number, ms: number, boot = 1) => ({
  boot,
  tick,
  time: instant(START + ms),
  uncertainty: 10,
});
const at = (lines: readonly TickLine[], sequence: number, tick: number, boot = 1) => {
  const found = dated(lines, { sequence, boot, tick });
  return found && [found.time - START, found.estimated];
};

describe("ticks of a node as time", () => {
  it("dates by the first pair, and what was sampled before it is estimated", () => {
    const lines = withPair([], pair(1_000, 0), 1);
    expect(at(lines, 1, 400)).toEqual([-6_000, true]);
    expect(at(lines, 2, 1_000)).toEqual([0, false]);
    expect(at(lines, 3, 1_150)).toEqual([1_500, false]);
  });

  it("keeps a line that fits, so that nothing need be written", () => {
    const lines = withPair([], pair(1_000, 0), 1);
    expect(withPair(lines, pair(7_000, 60_190), 9)).toBe(lines);
  });

  it("goes through both pairs where the quartz has run away, and dates again as before what it had dated", () => {
    const lines = withPair(withPair([], pair(0, 0), 1), pair(100_000, 1_005_000), 50);
    expect(at(lines, 49, 90_000)).toEqual([900_000, false]);
    expect(at(lines, 50, 90_000)).toEqual([904_500, false]);
  });

  it("says that a clock which runs at half its speed is no clock", () => {
    const lines = withPair(withPair([], pair(0, 0), 1), pair(1_000, 20_000), 5);
    expect(at(lines, 5, 500)).toEqual([10_000, true]);
  });

  it("follows ticks over their end at 2^32", () => {
    const lines = withPair([], pair(4_294_967_290, 0), 1);
    expect(at(lines, 1, 4)).toEqual([100, false]);
  });

  it("gives a start that was never compared the latest time that it can have, as an estimate", () => {
    const lines = withPair([], pair(500, 0, 3), 40);
    const with2 = forUnknownStart(lines, { boot: 2, tick: 9_000 }) ?? [];
    expect(at(with2, 20, 9_000, 2)).toEqual([-5_000, true]);
    expect(at(with2, 19, 8_000, 2)).toEqual([-15_000, true]);
    expect(forUnknownStart(lines, { boot: 4, tick: 0 })).toBeUndefined();
  });

  it("remembers the lines of every start of which a sample waits, however many there are", () => {
    let lines: readonly TickLine[] = withPair([], pair(0, 0, 100), 1);
    for (let boot = 99; boot > 0; boot--) lines = forUnknownStart(lines, { boot, tick: 10 }) ?? [];
    const waiting = new Set([3, 50, 100]);
    const kept = pruned(lines, waiting);
    expect([...waiting].map((boot) => at(kept, 1, 0, boot) !== undefined)).toEqual([true, true, true]);
    expect(kept.length).toBeLessThanOrEqual(LINES_KEPT + waiting.size);
  });

  it("never puts samples of one start out of their order, and remembers few lines", () => {
    const steps = fc.array(
      fc.record({ ticks: fc.integer({ min: 1, max: 100_000 }), ms: fc.integer({ min: 1, max: 3_000_000 }) }),
      { minLength: 1, maxLength: 60 },
    );
    const ordered = fc.property(steps, (all) => {
      let lines: readonly TickLine[] = [];
      let [tick, ms, last] = [0, 0, -Infinity];
      all.forEach((step, index) => {
        const sampled = tick + Math.floor(step.ticks / 2);
        tick += step.ticks;
        ms += step.ms;
        lines = pruned(withPair(lines, pair(tick, ms), index + 1), new Set());
        const time = dated(lines, { sequence: index + 1, boot: 1, tick: sampled })?.time ?? NaN;
        // Half a millisecond of rounding on each side, and what a line may be off before it is replaced.
        expect(time).toBeGreaterThanOrEqual(last - 211);
        last = time;
      });
      expect(lines.length).toBeLessThanOrEqual(LINES_KEPT);
    });
    fc.assert(ordered, { numRuns: 2_000, seed: 20260615 });
  });
});
