import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant, type Instant } from "../model/index.ts";
import { LineEvents, registerLine } from "./line.ts";
import { TimedValues } from "./timed-values.ts";

const time = fc.nat({ max: 60 }).map((at) => instant(at));
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("insert" as const), time, value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const), time }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), share: fc.nat() }) },
);
type Held = { readonly time: Instant; readonly value: number };

/** The same rules, said with a sorted list. */
function model(held: readonly Held[], one: { kind: "insert" | "forget"; time: Instant; value?: number }) {
  if (one.kind === "insert") {
    if (held.some((other) => other.time === one.time)) return held;
    return [...held, { time: one.time, value: one.value ?? 0 }].toSorted((a, b) => a.time - b.time);
  }
  const last = held.findLast((other) => other.time <= one.time);
  return last ? held.filter((other) => other.time >= last.time) : held;
}

describe("readings as columns", () => {
  it("hold what a sorted list of them would", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const values = new TimedValues();
        let expected: readonly Held[] = [];
        for (const one of steps) {
          const before = expected.length;
          if (one.kind === "drop") {
            if (before === 0) continue;
            values.drop(one.share % before);
            expected = expected.toSpliced(one.share % before, 1);
            continue;
          }
          expected = model(expected, one);
          if (one.kind === "forget") expect(values.forgetBefore(one.time)).toBe(before - expected.length);
          else if (expected.length === before) expect(values.insert(one.time, one.value)).toBeUndefined();
          else
            expect(values.insert(one.time, one.value)).toBe(
              expected.findIndex((other) => other.time === one.time),
            );
          expect(values.lastTime()).toBe(expected.at(-1)?.time);
        }
        expect(values.list((at, value) => ({ time: at, value }))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

/** A counter that mostly grows, and now and then is reset, jumps, or says something wrong once. */
const counter = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.nat({ max: 50 }).map((grown) => ({ grown, wrong: undefined })) },
      {
        weight: 1,
        arbitrary: fc
          .integer({ min: -2_000_000, max: 2_000_000 })
          .map((grown) => ({ grown, wrong: undefined })),
      },
      { weight: 1, arbitrary: fc.nat({ max: 4_000_000 }).map((wrong) => ({ grown: 0, wrong })) },
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((moves) => {
    let register = 1_000_000;
    return moves.map(({ grown, wrong }, i) => {
      register = Math.max(0, register + grown);
      return { time: instant(60_000 * i), register: wrong ?? register };
    });
  });

describe("the events of a line that grows", () => {
  it.each([
    ["as it stands", { factor: 1, doubtful: false }],
    ["after a change of scale", { factor: 10, doubtful: true }],
  ])("are those of the whole line, at every length, %s", (_, start) => {
    fc.assert(
      fc.property(counter, (readings) => {
        const events = new LineEvents({ start });
        for (const [i, reading] of readings.entries()) {
          events.add(reading);
          expect(events.found()).toEqual(registerLine(readings.slice(0, i + 1), { start }).events);
        }
      }),
      { numRuns: 500 },
    );
  });
});
