import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addMs, deviceId, instant, SLOT_MS, streamId, type Instant } from "../model/index.ts";
import type { RegisterReading, Resolution } from "./continuity.ts";
import { slotOf } from "./intervals.ts";
import { registerLine, standingAfter, type RegisterLine } from "./line.ts";
import { deviceMeter } from "./meter.ts";

/**
 * DESIGN promise 3: every sum conserves exactly, to the last unit. A meter is played that is reset, replaced, given
 * another unit, or rolls over; the truth is what flowed, whatever its display said.
 */
const T0 = instant(Date.UTC(2026, 5, 15, 7, 0));
const MODULUS = 9_999_990;
const TRAITS = { modulus: MODULUS, mostPower: 23_000 };

interface Step {
  readonly minutes: number;
  readonly wh: number;
  readonly happens: "nothing" | "reset" | "replaced" | "scale";
  /** Wh that flowed before and after what happened, and what a new meter begins with. */
  readonly lost: number;
  readonly newStart: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  minutes: fc.integer({ min: 1, max: 25 }),
  wh: fc.integer({ min: 0, max: 300 }),
  happens: fc.oneof(
    { weight: 12, arbitrary: fc.constant("nothing" as const) },
    { weight: 1, arbitrary: fc.constantFrom("reset" as const, "replaced" as const, "scale" as const) },
  ),
  lost: fc.integer({ min: 0, max: 40 }),
  newStart: fc.integer({ min: 1_000_000, max: 1_001_000 }),
});

interface Played {
  readonly readings: RegisterReading[];
  readonly resolutions: Map<Instant, Resolution>;
  /** Wh that had flowed at each reading. */
  readonly truth: number[];
}

function play(start: number, steps: readonly Step[]): Played {
  let [time, display, flowed, unit] = [T0, start, 0, 1];
  const played: Played = {
    readings: [{ time, register: display }],
    resolutions: new Map(),
    truth: [0],
  };
  for (const [i, { minutes, wh, lost, newStart, ...one }] of steps.entries()) {
    // What shows in one reading only cannot be told from a wrong value.
    const happens = i > 0 && steps[i - 1]?.happens !== "nothing" ? "nothing" : one.happens;
    time = addMs(time, minutes * 60_000);
    flowed += wh;
    const before = display;
    display += wh;
    // A register that holds less than its own rounding shows no reset.
    if ((happens === "reset" && before > 2_000) || happens === "replaced") {
      // Two meters whose registers agree cannot be told apart.
      const from = happens === "reset" ? 0 : newStart + i * 40_000;
      const oldEnd = (before + Math.min(lost, wh)) * unit;
      display = from + wh - Math.min(lost, wh);
      played.resolutions.set(time, {
        kind: "energy",
        wattHours: Math.floor(oldEnd / unit) - before + (display - from),
      });
    }
    // A unit of which nobody knows yet; small registers do not show it, so that only large ones are given one.
    if (happens === "scale" && unit === 1 && display > 300_000) {
      unit = 1_000;
      played.resolutions.set(time, { kind: "scale", factor: unit });
    }
    if (display >= MODULUS && unit === 1) display -= MODULUS;
    played.readings.push({ time, register: display * unit });
    played.truth.push(flowed);
  }
  return played;
}

const starts = fc.constantFrom(400_000, 5_000_000, MODULUS - 700);
const village = fc.tuple(starts, fc.array(step, { minLength: 4, maxLength: 14 }));

function slotsOf(line: RegisterLine, readings: readonly RegisterReading[]): (number | undefined)[] {
  const slots: (number | undefined)[] = [];
  const last = readings.at(-1)?.time ?? T0;
  for (let start = T0; start + SLOT_MS <= last; start = addMs(start, SLOT_MS)) {
    const slot = slotOf(line, start);
    slots.push(slot.kind === "known" ? slot.value.energy : undefined);
  }
  return slots;
}

/** The meter rolled over only where this test says so: near the modulus a reset cannot be told from it. */
const unambiguous = (start: number, steps: readonly Step[]) =>
  start < MODULUS - 1_000 || steps.every(({ happens }) => happens === "nothing");

const SEED = 20260615;

describe("100,000 short lives of a meter", () => {
  it(
    "sum to what flowed, whatever happened to the counter, once an operator has said it",
    { timeout: 120_000 },
    () => {
      fc.assert(
        fc.property(village, ([start, steps]) => {
          fc.pre(unambiguous(start, steps));
          const { readings, resolutions, truth } = play(start, steps);
          const line = registerLine(readings, { traits: TRAITS, resolutions });
          const [first, last] = [line.points[0]?.register ?? NaN, line.points.at(-1)?.register ?? NaN];
          if (last - first !== truth.at(-1)) throw new Error(`${last - first} Wh, not ${truth.at(-1)}`);
          if (line.events.some(({ effect }) => !effect)) throw new Error("an event is open");
          const slots = slotsOf(line, readings);
          if (slots.includes(undefined)) throw new Error("a slot is unknown");
        }),
        { seed: SEED, numRuns: 100_000 },
      );
    },
  );

  it("never say more than flowed while nobody has settled an event", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(village, ([start, steps]) => {
        fc.pre(unambiguous(start, steps));
        const { readings, truth } = play(start, steps);
        const known = slotsOf(registerLine(readings, { traits: TRAITS }), readings).filter(
          (wh) => wh !== undefined,
        );
        const sum = known.reduce((all, wh) => all + wh, 0);
        if (known.some((wh) => wh < 0)) throw new Error("energy below zero");
        if (sum > (truth.at(-1) ?? 0)) throw new Error(`${sum} Wh, more than ${truth.at(-1)}`);
      }),
      { seed: SEED, numRuns: 50_000 },
    );
  });
});

describe("a slot that is computed again from a later beginning", () => {
  it("has the same energy, whatever the ledger held before", { timeout: 60_000 }, () => {
    const fractional = fc.tuple(village, fc.nat({ max: 12 }), fc.double({ min: 0, max: 0.999, noNaN: true }));
    fc.assert(
      fc.property(fractional, ([[start, steps], cut, fraction]) => {
        fc.pre(unambiguous(start, steps));
        const { readings, resolutions } = play(start, steps);
        const shifted = readings.map((one) => ({ ...one, register: one.register + fraction }));
        const options = { traits: TRAITS, resolutions };
        const whole = registerLine(shifted, options);
        const from = shifted[Math.min(cut, shifted.length - 1)]?.time ?? T0;
        const earlier = whole.events.filter(({ event }) => event.after.time <= from);
        const start2 = standingAfter(
          earlier.map(({ event }) => ({
            event,
            resolution: resolutions.get(event.after.time) ?? { kind: "asProposed" as const },
          })),
        );
        const part = registerLine(
          shifted.filter(({ time }) => time >= from),
          { ...options, start: start2 },
        );
        const again = slotsOf(part, shifted);
        for (const [i, wh] of slotsOf(whole, shifted).entries()) {
          if (addMs(T0, i * SLOT_MS) >= from) expect(again[i]).toBe(wh);
        }
      }),
      { seed: SEED, numRuns: 5_000 },
    );
  });
});

describe("a device's meter", () => {
  const device = deviceId("house");
  const stream = streamId(device, "activeEnergyImport");
  const lives = fc.array(
    fc.record({ minutes: fc.integer({ min: 1, max: 40 }), wh: fc.double({ min: 0, max: 900, noNaN: true }) }),
    { minLength: 5, maxLength: 60 },
  );

  it("telescopes while it forgets: slots sum to the register's difference, in whatever order readings came", () => {
    fc.assert(
      fc.property(lives, fc.boolean(), (list, late) => {
        const readings = [{ time: T0, register: 10 }];
        for (const { minutes, wh } of list) {
          const last = readings.at(-1) as RegisterReading;
          readings.push({ time: addMs(last.time, minutes * 60_000), register: last.register + wh });
        }
        const meter = deviceMeter({ device, mounting: "grid" });
        for (const { time, register } of late ? readings.toReversed() : readings)
          meter.observe({ stream, time, value: register, quality: "ok" });
        let sum = 0;
        let end = T0;
        for (; end + SLOT_MS <= (readings.at(-1)?.time ?? T0); end = addMs(end, SLOT_MS)) {
          const slot = meter.slot(end, false).import;
          if (slot.kind !== "known") throw new Error(`slot ${end} is ${slot.kind}`);
          sum += slot.value.energy;
          meter.forgetBefore(end);
        }
        const after = readings.find(({ time }) => time >= end) as RegisterReading;
        const before = readings.findLast(({ time }) => time <= end) as RegisterReading;
        const share = after === before ? 0 : (end - before.time) / (after.time - before.time);
        const register = before.register + (after.register - before.register) * share;
        expect(sum).toBe(Math.floor(register) - 10);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
