import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { openVillage, type Village } from "./village.ts";
import { BATTERY_CAPACITY, chargeOf, levelOf, TANK_AREA, type Switching, type Yard } from "./yard.ts";

/** 09:50 in Kenya, as the demo begins. */
const commissioned = instant(Date.UTC(2026, 5, 15, 6, 50));
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (ms: number) => instant(commissioned + ms);
const open = (seed: number, switchings: readonly Switching[] = []): Village =>
  openVillage({ seed, households: 1, commissioned, yard: switchings });

function yardOf(village: Village, ms: number): Yard {
  const { yard } = village.at(at(ms));
  if (!yard) throw new Error("this village has a yard");
  return structuredClone({ ...yard, dice: undefined }) as unknown as Yard;
}

/** Somebody who switches at any moment of two days. */
const switchings = fc
  .array(
    fc.record({
      time: fc.integer({ min: 0, max: 48 * HOUR }).map((ms) => commissioned + ms),
      what: fc.constantFrom("pump" as const, "loads" as const),
      on: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((list) => list.toSorted((a, b) => a.time - b.time));
const moments = fc.array(fc.integer({ min: 0, max: 50 * HOUR }), { minLength: 1, maxLength: 12 });
const seeds = fc.integer({ min: 0, max: 1_000 });
const runs = { numRuns: 25 };

describe("the books of the yard close to the last watt-millisecond and microlitre", () => {
  it("whoever switches what and whenever somebody looks", () => {
    const held = fc.property(seeds, switchings, moments, (seed, list, looks) => {
      const village = open(seed, list);
      const first = yardOf(village, 0);
      for (const ms of looks.toSorted((a, b) => a - b)) {
        const yard = yardOf(village, ms);
        const c = yard.counters;
        expect(c.import + c.production).toBe(c.consumption + c.export + c.charge);
        expect(yard.stored - first.stored).toBe(c.charge - c.discharge);
        expect(yard.water - first.water).toBe(c.pumped - c.drunk - c.spilled);
        for (const counter of Object.values(c)) expect(Number.isSafeInteger(counter)).toBe(true);
        expect(yard.stored).toBeGreaterThanOrEqual(0);
        expect(yard.stored).toBeLessThanOrEqual(BATTERY_CAPACITY);
        expect(yard.water).toBeGreaterThanOrEqual(0);
        expect(levelOf(yard)).toBeLessThanOrEqual(3);
      }
    });
    fc.assert(held, runs);
  });

  it("and a pump's hour is 0.75 kWh and 4.5 m³ (a head of 30 m at an efficiency of one half, ρ g Q H)", () => {
    const [still, running] = [open(1), open(1, [{ time: commissioned, what: "pump", on: true }])];
    const [without, withPump] = [yardOf(still, HOUR), yardOf(running, HOUR)];
    expect((withPump.counters.consumption - without.counters.consumption) / HOUR).toBe(750);
    expect(withPump.counters.pumped / 1e9).toBe(4.5);
    // J of lifted water: 1000 kg/m³ × 9.81 m/s² × 4.5 m³ × 30 m.
    expect((1_000 * 9.81 * 4.5 * 30) / 3_600_000 / 0.75).toBeCloseTo(0.5, 1);
    expect(levelOf(withPump) - levelOf(without)).toBeCloseTo(4.5 / TANK_AREA, 10);
  });
});

describe("the yard is a function of seed, time and switchings", () => {
  it("which shows the same, however often somebody looked on the way", () => {
    const held = fc.property(seeds, switchings, moments, (seed, list, looks) => {
      const walked = open(seed, list);
      for (const ms of looks.toSorted((a, b) => a - b)) walked.at(at(ms));
      expect(yardOf(walked, 50 * HOUR)).toEqual(yardOf(open(seed, list), 50 * HOUR));
    });
    fc.assert(held, runs);
  });

  it("which replays from the switchings that took place", () => {
    const live = open(5);
    const done = [30, 31, 95, 400].map((minutes, i) => {
      const time = commissioned + minutes * MINUTE + 777;
      live.at(instant(time));
      return live.switch({ time, what: i % 2 === 0 ? "pump" : "loads", on: i === 0 });
    });
    expect(yardOf(open(5, done), 12 * HOUR)).toEqual(yardOf(live, 12 * HOUR));
  });

  it("in which nothing is switched before what was shown", () => {
    const village = open(5);
    village.at(at(HOUR));
    expect(village.switch({ time: commissioned, what: "pump", on: true }).time).toBe(commissioned + HOUR);
  });

  it("and changes nothing of its village", () => {
    const alone = openVillage({ seed: 7, households: 2, commissioned }).at(at(HOUR));
    const { yard, ...rest } = openVillage({ seed: 7, households: 2, commissioned, yard: [] }).at(at(HOUR));
    expect(yard).toBeDefined();
    expect(JSON.stringify(rest)).toBe(JSON.stringify(alone));
  });
});

describe("a day in the yard", () => {
  const village = open(3);
  const day = Array.from({ length: 24 * 60 }, (_, minute) => yardOf(village, minute * MINUTE));

  it("has a surplus at noon and buys at night", () => {
    const power = (minute: number): number => {
      const { import: drawn = NaN, export: fed = NaN } = day[minute]?.flows ?? {};
      return drawn - fed;
    };
    expect(power(150)).toBeLessThan(-600);
    expect(power(12 * 60)).toBeGreaterThan(100);
  });

  it("empties the battery of whoever sheds nothing, and its loads go dark with it", () => {
    const last = day.at(-1);
    expect(Math.min(...day.map(chargeOf))).toBeLessThan(0.01);
    expect(last && day.some((yard) => yard.on.loads && yard.flows.discharge === 0)).toBe(true);
  });

  it("is drunk from by day alone", () => {
    const drunk = (from: number, to: number): number =>
      (day[to]?.counters.drunk ?? NaN) - (day[from]?.counters.drunk ?? NaN);
    // 10:50 to 18:50, and 20:50 to 4:50.
    expect(drunk(60, 540) / 1e9).toBeGreaterThan(1);
    expect(drunk(660, 1_140)).toBe(0);
  });

  it("keeps vaccines between 2 and 8 °C (WHO PQS E003), and its compressor rests", () => {
    const inside = day.map(({ fridge }) => fridge.temperature);
    expect(Math.min(...inside)).toBeGreaterThan(2);
    expect(Math.max(...inside)).toBeLessThan(8);
    const starts = day.filter(({ fridge }, i) => fridge.isCooling && !day[i - 1]?.fridge.isCooling);
    expect(starts.length).toBeGreaterThan(10);
    expect(starts.length).toBeLessThan(60);
  });
});
