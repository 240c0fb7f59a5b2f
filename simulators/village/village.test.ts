import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { STEP_MS } from "./place.ts";
import { openVillage, type VillageState } from "./village.ts";

const commissioned = instant(Date.UTC(2026, 5, 15));
const DAY_STEPS = 1_440;
const at = (minutes: number) => instant(commissioned + minutes * STEP_MS);

/** Everything that a device could show, as text; 12 significant digits, so that the last bit of a cosine is no matter. */
const render = ({ weather, households }: VillageState): string =>
  JSON.stringify([weather, households.map(({ dice: _, ...house }) => house)], (_key, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(12)) : value,
  );

function dayOf(seed: number, households: number): Buffer {
  const village = openVillage({ seed, households, commissioned });
  return Buffer.from(
    Array.from({ length: DAY_STEPS }, (_, minute) => render(village.at(at(minute)))).join("\n"),
  );
}

describe("the seeded village", () => {
  it("is the same for the same seed, byte for byte, on every machine", () => {
    const day = dayOf(7, 12);
    expect(day.equals(dayOf(7, 12))).toBe(true);
    // A golden hash: it changes when the village changes, and then on purpose.
    expect(createHash("sha256").update(day).digest("hex")).toBe(
      "1217473f39e5ad871576789eb8c9d451737d67c8b6159856478a688df0457fdb",
    );
  });

  it("is another one for another seed", () => {
    expect(dayOf(7, 1).equals(dayOf(8, 1))).toBe(false);
  });

  it("does not change for the households that are there when others join", () => {
    const few = openVillage({ seed: 7, households: 12, commissioned }).at(at(700));
    const many = openVillage({ seed: 7, households: 30, commissioned }).at(at(700));
    expect(many.households).toHaveLength(30);
    expect(render({ ...many, households: many.households.slice(0, 12) })).toBe(render(few));
  });

  it("shows the same whether it walked there or was started there", () => {
    const walked = openVillage({ seed: 7, households: 12, commissioned });
    for (let minute = 0; minute <= 600; minute += 7) walked.at(at(minute));
    const started = openVillage({ seed: 7, households: 12, commissioned });
    expect(render(walked.at(at(600)))).toBe(render(started.at(at(600))));
  });

  it("never goes back", () => {
    const village = openVillage({ seed: 7, households: 2, commissioned });
    const later = render(village.at(at(60)));
    expect(render(village.at(at(10)))).toBe(later);
  });

  it("refuses a walk of more than ten years", () => {
    const village = openVillage({ seed: 7, households: 1, commissioned });
    expect(() => village.at(instant(Date.UTC(2039, 0, 1)))).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});

describe("energy is conserved to the last watt-minute", () => {
  const village = openVillage({ seed: 11, households: 12, commissioned });
  const counters = (minute: number) => village.at(at(minute)).households.map((h) => ({ ...h.counters }));
  const first = counters(0);
  const spans = [1, 15, 60, 1_440, 4_321].map((minute) => [minute, counters(minute)] as const);

  it.each(spans)("over %i minutes, in every house", (_minutes, last) => {
    last.forEach((after, index) => {
      const before = first[index] ?? after;
      const grown = (flow: keyof typeof after): number => after[flow] - before[flow];
      expect(grown("import") + grown("production") + grown("discharge")).toBe(
        grown("consumption") + grown("export") + grown("charge"),
      );
      for (const flow of Object.keys(after))
        expect(Number.isSafeInteger(after[flow as keyof typeof after])).toBe(true);
    });
  });

  it("and a counter grows by exactly the power that was shown", () => {
    const shown = village
      .at(at(5_000))
      .households.map((h) => ({ ...h.counters, ...h.power, before: h.counters.import }));
    const after = village.at(at(5_001)).households;
    shown.forEach(({ before, import: power }, i) => expect(after[i]?.counters.import).toBe(before + power));
  });
});

describe("a village day looks like one", () => {
  const village = openVillage({ seed: 3, households: 12, commissioned });
  const minutes = Array.from({ length: 7 * DAY_STEPS }, (_, minute) => {
    const { weather, households } = village.at(at(minute));
    const sum = (flow: "production" | "consumption"): number =>
      households.reduce((all, h) => all + h.power[flow], 0);
    const local = (minute + 180) % DAY_STEPS;
    return {
      local,
      ...weather,
      moisture: weather.soil.moisture,
      production: sum("production"),
      load: sum("consumption"),
    };
  });
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const between = (from: number, to: number) =>
    minutes.filter((m) => m.local >= from * 60 && m.local < to * 60);

  it("makes no power at night and much at noon", () => {
    expect(Math.max(...between(20, 24).map((m) => m.production))).toBe(0);
    expect(mean(between(11, 13).map((m) => m.production))).toBeGreaterThan(2_000);
  });

  it("has a morning and an evening peak", () => {
    const night = mean(between(1, 4).map((m) => m.load));
    expect(mean(between(6, 7).map((m) => m.load))).toBeGreaterThan(1.5 * night);
    expect(mean(between(19, 21).map((m) => m.load))).toBeGreaterThan(2 * night);
  });

  it("keeps the air and the soil within what Machakos knows", () => {
    for (const m of minutes) {
      expect(m.airTemperature).toBeGreaterThan(5);
      expect(m.airTemperature).toBeLessThan(33);
      expect(m.relativeHumidity).toBeLessThanOrEqual(100);
      expect(m.moisture).toBeGreaterThanOrEqual(0.14);
      expect(m.moisture).toBeLessThanOrEqual(0.42);
    }
  });
});
