import { describe, expect, it } from "vitest";
import { addMs, HOUR_MS, instant, type Quantity, type Reading, type StreamId } from "../model/index.ts";
import { dayFigures } from "./day-figures.ts";

const start = instant(Date.UTC(2026, 5, 14, 21));
const span = { start, end: addMs(start, 24 * HOUR_MS) };
const list = (values: readonly (readonly [hour: number, value: number])[]): Reading[] =>
  values.map(([hour, value]) => ({
    stream: "sky/x" as StreamId,
    time: addMs(start, hour * HOUR_MS),
    value,
    quality: "ok",
  }));
const hourly = (value: (hour: number) => number) =>
  list(Array.from({ length: 24 }, (_, hour) => [hour, value(hour)] as const));

describe("a day's figures", () => {
  it("of a state: minimum, maximum, and a mean that a talkative noon does not move", () => {
    // 10° all day, but 22° for the hour after noon, told sixty times: (23 × 10 + 22) / 24 = 10.5.
    const noon = Array.from({ length: 60 }, (_, minute) => [12 + minute / 60, 22] as const);
    const day = [
      ...Array.from({ length: 24 }, (_, hour) => [hour, 10] as const).filter(([h]) => h !== 12),
      ...noon,
    ];
    const figures = dayFigures("airTemperature", list(day.toSorted((a, b) => a[0] - b[0])), span);
    expect(figures).toMatchObject({ minimum: 10, maximum: 22, coverage: 100 });
    expect(figures?.mean).toBeCloseTo(10.5, 10);
  });

  it.each<[Quantity, (hour: number) => number, object]>([
    ["rainfall", () => 0.2, { sum: expect.closeTo(4.8, 10), coverage: 100 }],
    ["waterVolume", (hour) => 5000 + hour * 10, { sum: 230, coverage: 100 }],
    ["waterVolume", (hour) => (hour < 12 ? 5000 : 3), { coverage: 100 }],
    ["windDirection", (hour) => (hour % 2 ? 350 : 10), { mean: expect.closeTo(0, 6), coverage: 100 }],
  ])("of %s", (quantity, value, gives) => {
    expect(dayFigures(quantity, hourly(value), span)).toEqual(gives);
  });

  it("say how much of the day is known, and hold a value for an hour at most", () => {
    expect(
      dayFigures(
        "soilMoisture",
        list([
          [0, 0.2],
          [6, 0.4],
        ]),
        span,
      ),
    ).toEqual({
      minimum: 0.2,
      maximum: 0.4,
      mean: expect.closeTo(0.3, 10),
      coverage: expect.closeTo((100 * 2) / 24, 10),
    });
  });

  it("of nothing that may be used are unknown", () => {
    const bad = list([[1, 85]]).map((one) => ({ ...one, quality: "implausible" as const }));
    expect(dayFigures("airTemperature", bad, span)).toBeUndefined();
  });
});
