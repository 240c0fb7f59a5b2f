import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant, SLOT_MS, type Instant } from "../model/index.ts";
import {
  boundaryAt,
  integrateSlot,
  intervalBetween,
  type PowerReading,
  type RegisterReading,
} from "./intervals.ts";
import { powerTrack, registerTrack } from "./track.ts";

const T0 = Date.UTC(2026, 5, 15, 7, 0);
const at = (minutes: number): Instant => instant(T0 + minutes * 60_000);
const register = (minutes: number, wh: number): RegisterReading => ({ time: at(minutes), register: wh });

describe("the register on a slot boundary", () => {
  it.each([
    {
      name: "is the reading that falls on it",
      before: register(15, 1200),
      after: register(15, 1200),
      gives: 1200,
      filled: false,
    },
    {
      name: "lies on the line between its neighbours",
      before: register(14, 1000),
      after: register(16, 1010),
      gives: 1005,
      filled: false,
    },
    {
      name: "is cut to whole Wh",
      before: register(14, 1000),
      after: register(16, 1001),
      gives: 1000,
      filled: false,
    },
    {
      name: "is filled through more than a quarter hour",
      before: register(0, 1000),
      after: register(30, 1100),
      gives: 1050,
      filled: true,
    },
  ])("$name", ({ before, after, gives, filled }) => {
    expect(boundaryAt(at(15), before, after)).toEqual({ time: at(15), register: gives, filled });
  });

  it("is unknown where the register was reset in between", () => {
    expect(boundaryAt(at(15), register(14, 5000), register(16, 3))).toBeUndefined();
  });

  it("counts through a roll-over at the modulus", () => {
    // A PZEM-004T v3 rolls over at 9,999.99 kWh.
    expect(boundaryAt(at(15), register(14, 9_999_990), register(16, 10), 10_000_000)).toMatchObject({
      register: 0,
    });
  });
});

describe("a slot", () => {
  const start = { time: at(0), register: 1000, filled: false };
  const end = { time: at(15), register: 1250, filled: false };

  it("is the difference of its boundaries, counted", () => {
    const interval = intervalBetween(start, end, [register(5, 1080), register(10, 1170)]);
    expect(interval).toEqual({ start: at(0), energy: 250, provenance: "counted" });
  });

  it("is unknown when a reset hides between two boundaries that look right", () => {
    expect(
      intervalBetween(start, end, [register(5, 1080), register(6, 4), register(10, 1170)]),
    ).toBeUndefined();
  });
});

describe("a register's track", () => {
  it("waits for a reading beyond the end of the slot", () => {
    const track = registerTrack();
    track.add(register(0, 0));
    track.add(register(14, 100));
    expect(track.slot(at(0))).toEqual({ kind: "waiting" });
  });

  it("does not invent the slot before its first reading", () => {
    const track = registerTrack();
    track.add(register(3, 40));
    track.add(register(16, 100));
    expect(track.slot(at(0))).toEqual({ kind: "unknown" });
  });

  // DESIGN promise 3: every sum conserves exactly, to the last unit.
  it("telescopes: the slots of any span sum to the difference of the registers at its ends", () => {
    const steps = fc.array(
      fc.record({
        minutes: fc.integer({ min: 1, max: 40 }),
        wh: fc.double({ min: 0, max: 900, noNaN: true }),
      }),
      { minLength: 5, maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.boolean(), (list, late) => {
        const readings = [register(0, 10)];
        for (const { minutes, wh } of list) {
          const last = readings.at(-1) as RegisterReading;
          readings.push({ time: instant(last.time + minutes * 60_000), register: last.register + wh });
        }
        const track = registerTrack();
        // Arriving in another order changes nothing while no slot was closed.
        for (const reading of late ? readings.toReversed() : readings) track.add(reading);
        let [sum, first, last] = [0, undefined as number | undefined, 0];
        for (
          let slot = at(0);
          slot + SLOT_MS <= (readings.at(-1) as RegisterReading).time;
          slot = instant(slot + SLOT_MS)
        ) {
          const result = track.slot(slot);
          if (result.kind !== "known") throw new Error(`slot ${slot} is ${result.kind}`);
          first ??= result.value.boundaries[0]?.register;
          last = result.value.boundaries[1]?.register ?? NaN;
          sum += result.value.interval.energy;
          track.forgetBefore(slot);
        }
        expect(sum).toBe(last - (first ?? last));
      }),
      { seed: 20260615, numRuns: 500 },
    );
  });

  it("goes on from a settled boundary after a restart, and fills the absence so that the register's difference is met", () => {
    const track = registerTrack();
    track.settle({ time: at(15), register: 1000, filled: false });
    track.add(register(75, 1401));
    const energies = [15, 30, 45, 60].map((minutes) => {
      const slot = track.slot(at(minutes));
      return slot.kind === "known" ? slot.value.interval : undefined;
    });
    expect(energies.map((i) => i?.provenance)).toEqual(["filled", "filled", "filled", "filled"]);
    expect(energies.reduce((sum, i) => sum + (i?.energy ?? NaN), 0)).toBe(401);
  });
});

describe("power without a register", () => {
  const power = (minutes: number, watts: number): PowerReading => ({ time: at(minutes), power: watts });

  it("integrates 1,200 W over a quarter hour to 300 Wh", () => {
    const readings = [0, 4, 8, 12, 16].map((minutes) => power(minutes, 1200));
    expect(integrateSlot(at(0), readings)?.forward).toEqual({
      start: at(0),
      energy: 300,
      provenance: "integrated",
    });
  });

  it("keeps what flowed forwards and backwards apart", () => {
    // A line from +600 W to −600 W and a mirror of it: half of the time each way, mean 300 W: 300 W × 7.5 min = 37.5 Wh.
    const slot = integrateSlot(at(0), [power(0, 600), power(5, -600), power(10, 600), power(15, -600)]);
    expect([slot?.forward.energy, slot?.backward.energy]).toEqual([38, 38]);
  });

  it("is unknown through a gap of more than five minutes", () => {
    expect(
      integrateSlot(at(0), [power(0, 100), power(6, 100), power(10, 100), power(15, 100)]),
    ).toBeUndefined();
  });

  it("waits until power is known to the end of the slot", () => {
    const track = powerTrack();
    for (const minutes of [0, 5, 10]) track.add(power(minutes, 500));
    expect(track.slot(at(0))).toEqual({ kind: "waiting" });
    track.add(power(15, 500));
    expect(track.slot(at(0))).toMatchObject({ kind: "known", value: { forward: { energy: 125 } } });
  });
});
