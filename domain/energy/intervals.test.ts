import { describe, expect, it } from "vitest";
import { instant, type Instant } from "../model/index.ts";
import type { RegisterReading } from "./continuity.ts";
import { integrateSlot, shareOfGap, type PowerReading } from "./fill.ts";
import { boundaryAt, slotOf } from "./intervals.ts";
import { registerLine } from "./line.ts";

const T0 = Date.UTC(2026, 5, 15, 7, 0);
const at = (minutes: number): Instant => instant(T0 + minutes * 60_000);
const register = (minutes: number, wh: number): RegisterReading => ({ time: at(minutes), register: wh });
const power = (minutes: number, watts: number): PowerReading => ({ time: at(minutes), power: watts });
const line = (...readings: [minutes: number, wh: number][]) =>
  registerLine(readings.map(([minutes, wh]) => register(minutes, wh)));

describe("the register on a slot boundary", () => {
  it.each([
    { name: "is the reading that falls on it", readings: [[15, 1200]], gives: 1200, filled: false },
    {
      name: "lies on the line between its neighbours",
      readings: [
        [14, 1000],
        [16, 1010],
      ],
      gives: 1005,
      filled: false,
    },
    {
      name: "is cut to whole Wh",
      readings: [
        [14, 1000],
        [16, 1001],
      ],
      gives: 1000,
      filled: false,
    },
    {
      name: "is filled through more than a quarter hour",
      readings: [
        [0, 1000],
        [30, 1100],
      ],
      gives: 1050,
      filled: true,
    },
  ])("$name", ({ readings, gives, filled }) => {
    const found = boundaryAt(line(...(readings as [number, number][])), at(15));
    expect(found).toMatchObject({ kind: "known", value: { time: at(15), register: gives, filled } });
  });

  it("waits for a reading beyond it, and is not invented before the first", () => {
    expect(boundaryAt(line([0, 10]), at(15))).toEqual({ kind: "waiting" });
    expect(boundaryAt(line([16, 10]), at(15))).toEqual({ kind: "unknown" });
  });
});

describe("a slot", () => {
  it("is the difference of its boundaries, counted", () => {
    const slot = slotOf(line([0, 1000], [5, 1080], [10, 1170], [15, 1250]), at(0));
    expect(slot).toEqual({ kind: "known", value: { start: at(0), energy: 250, provenance: "counted" } });
  });

  it("is unknown when a reset hides between two boundaries that look right", () => {
    expect(slotOf(line([0, 1000], [5, 1080], [6, 4], [10, 1170], [15, 1250]), at(0)).kind).toBe("unknown");
  });

  it("does not shrink when rounding firmware steps back by a Wh", () => {
    const slots = line([0, 1000], [15, 1010], [20, 1009], [30, 1009], [45, 1012]);
    expect([0, 15, 30].map((minute) => slotOf(slots, at(minute)))).toMatchObject([
      { value: { energy: 10 } },
      { value: { energy: 0 } },
      { value: { energy: 2 } },
    ]);
  });
});

describe("a gap of two hours in which the register grew by 800 Wh", () => {
  const slots = line([0, 1000], [120, 1800]);
  const energies = (readings: readonly PowerReading[]) =>
    [0, 15, 30, 45, 60, 75, 90, 105].map((minute) => {
      const slot = slotOf(slots, at(minute), readings);
      return slot.kind === "known" ? [slot.value.energy, slot.value.provenance] : slot.kind;
    });

  it("is filled by a straight line where no power is known", () => {
    expect(energies([])).toEqual(Array.from({ length: 8 }, () => [100, "filled"]));
  });

  it("takes the shape of the power where there is some, and spreads the rest evenly", () => {
    // 1,200 W for the first half hour are 600 Wh; 200 Wh remain for six quarter hours: 33⅓ each, cut on the boundary.
    const readings = [0, 5, 10, 15, 20, 25, 30].map((minute) => power(minute, 1200));
    expect(energies(readings).map((one) => one[0])).toEqual([300, 300, 33, 33, 34, 33, 33, 34]);
  });

  it("is scaled to the register when power says more", () => {
    // 1,600 W throughout would be 3,200 Wh; the register says 800, so each quarter hour is a quarter of 400 Wh.
    const readings = Array.from({ length: 25 }, (_, i) => power(i * 5, 1600));
    expect(energies(readings).map((one) => one[0])).toEqual(Array.from({ length: 8 }, () => 100));
  });

  it("has no shape of a power that flowed the other way", () => {
    const readings = Array.from({ length: 25 }, (_, i) => power(i * 5, -500));
    expect(shareOfGap(at(60), { from: at(0), to: at(120), grown: 800 }, readings)).toBe(0.5);
  });
});

describe("power without a register", () => {
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
});
