import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addMs, instant, SLOT_MS, streamId, deviceId, type Instant } from "../model/index.ts";
import type { RegisterReading } from "./continuity.ts";
import { slotOf, slotsBetween } from "./intervals.ts";
import { registerLine } from "./line.ts";
import { Register } from "./register.ts";

const T0 = instant(Date.UTC(2026, 5, 15, 10));
const STREAM = streamId(deviceId("grid"), "activeEnergyImport");
const TRAITS = { modulus: 1_200_000, mostPower: 23_000 };

const move = (grown: fc.Arbitrary<number>) => grown.map((wh) => ({ grown: wh, wrong: undefined }));
/** Wh in eighths: what a float holds exactly. */
const quiet = fc.nat({ max: 24 }).map((eighths) => eighths / 8);

/** A counter that mostly grows, and now and then steps back a little, jumps, is reset, or says something wrong once. */
const moves = fc.array(
  fc.record({
    seconds: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 90 }) },
      { weight: 1, arbitrary: fc.integer({ min: 600, max: 2_500 }) },
    ),
    how: fc.oneof(
      { weight: 40, arbitrary: move(quiet) },
      { weight: 4, arbitrary: move(fc.nat({ max: 16 }).map((eighths) => -eighths / 8)) },
      { weight: 4, arbitrary: move(fc.constantFrom(900, 1_000)) },
      { weight: 1, arbitrary: move(fc.integer({ min: -1_200_000, max: 1_000_000 })) },
      {
        weight: 1,
        arbitrary: fc.nat({ max: 4_000_000 }).map((wrong) => ({ grown: 0, wrong })),
      },
    ),
  }),
  { minLength: 1, maxLength: 150, size: "max" },
);

function read(played: typeof moves extends fc.Arbitrary<infer T> ? T : never): RegisterReading[] {
  let [time, register] = [T0, 1_000_000];
  return played.map(({ seconds, how: { grown, wrong } }) => {
    time = addMs(time, seconds * 1_000);
    register = Math.max(0, register + grown);
    return { time, register: wrong ?? register };
  });
}

const slotsTo = (last: Instant): Instant[] => slotsBetween(T0, addMs(last, SLOT_MS)).slice(0, -1);

describe("a register of which only what its line turns at is held", () => {
  it("has the events and the quarter hours of the line through all of its readings", () => {
    fc.assert(
      fc.property(moves, (played) => {
        const readings = read(played);
        const register = new Register(STREAM, TRAITS, {});
        for (const [i, { time, register: value }] of readings.entries()) {
          register.observe(time, value);
          const whole = registerLine(readings.slice(0, i + 1), { traits: TRAITS });
          expect(register.events()).toEqual(whole.events);
          for (const start of slotsTo(time))
            expect(slotOf(register.line, start)).toEqual(slotOf(whole, start));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("has the quarter hours of that line after those before them were forgotten", () => {
    fc.assert(
      fc.property(moves, (played) => {
        const readings = read(played);
        const register = new Register(STREAM, TRAITS, {});
        let closed = T0;
        for (const [i, { time, register: value }] of readings.entries()) {
          register.observe(time, value);
          if (time < closed + SLOT_MS) continue;
          const whole = registerLine(readings.slice(0, i + 1), { traits: TRAITS });
          for (; closed + SLOT_MS <= time; closed = addMs(closed, SLOT_MS))
            expect(slotOf(register.line, closed)).toEqual(slotOf(whole, closed));
          register.forgetBefore(closed);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("has the quarter hours of that line where some came late", () => {
    const late = fc.array(
      fc.record({ seconds: fc.integer({ min: 1, max: 90 }), grown: quiet, late: fc.boolean() }),
      { size: "max", maxLength: 150 },
    );
    fc.assert(
      fc.property(late, (steps) => {
        const readings = read(
          steps.map(({ seconds, grown }) => ({ seconds, how: { grown, wrong: undefined } })),
        );
        const register = new Register(STREAM, TRAITS, {});
        for (const there of [false, true])
          for (const [i, { time, register: value }] of readings.entries())
            if (steps[i]?.late === there) register.observe(time, value);
        const whole = registerLine(readings, { traits: TRAITS });
        expect(register.events()).toEqual(whole.events);
        for (const start of slotsTo(readings.at(-1)?.time ?? T0))
          expect(slotOf(register.line, start)).toEqual(slotOf(whole, start));
      }),
      { numRuns: 500 },
    );
  });

  it("goes on after a wrong value on the quarter hour itself, as a meter that stamps whole minutes has it", () => {
    const register = new Register(STREAM, TRAITS, {});
    const minute = (n: number): Instant => addMs(T0, n * 60_000);
    for (let n = 0; n < 15; n++) register.observe(minute(n), 1_000_000 + n);
    register.observe(minute(15), 0);
    register.forgetBefore(minute(15));
    for (let n = 16; n <= 31; n++) register.observe(minute(n), 1_000_000 + n);
    expect(register.events().map(({ event }) => event.kind)).toEqual(["spike"]);
    expect(slotOf(register.line, minute(15))).toMatchObject({ kind: "known", value: { energy: 15 } });
  });
});
