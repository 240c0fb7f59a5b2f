import { describe, expect, it } from "vitest";
import { instant, type Granularity } from "../model/index.ts";
import { isOnGrid } from "./windows.ts";

/** What a calendar says: 2026-06-15 is a Monday, 2024 and 2028 are leap years. */
describe("the grid of windows", () => {
  it.each<[Granularity, string, string, boolean, number?]>([
    ["quarterHour", "2026-06-15T11:45Z", "2026-06-15T12:00Z", true],
    ["quarterHour", "2026-06-15T11:40Z", "2026-06-15T11:55Z", false],
    ["quarterHour", "2026-06-15T11:45Z", "2026-06-15T12:15Z", false],
    ["hour", "2026-06-15T11:00Z", "2026-06-15T12:00Z", true],
    ["hour", "2026-06-15T11:15Z", "2026-06-15T12:15Z", false],
    ["hour", "2026-06-15T11:30Z", "2026-06-15T12:30Z", true, 330],
    ["day", "2026-06-14T00:00Z", "2026-06-15T00:00Z", true],
    ["day", "2026-06-14T01:00Z", "2026-06-15T01:00Z", false],
    ["day", "2026-06-14T21:00Z", "2026-06-15T21:00Z", true, 180],
    ["week", "2026-06-08T00:00Z", "2026-06-15T00:00Z", true],
    ["week", "2026-06-09T00:00Z", "2026-06-16T00:00Z", false],
    ["week", "2026-06-08T05:00Z", "2026-06-15T05:00Z", true, -300],
    ["week", "1969-12-29T00:00Z", "1970-01-05T00:00Z", true],
    ["month", "2026-06-01T00:00Z", "2026-07-01T00:00Z", true],
    ["month", "2028-02-01T00:00Z", "2028-03-01T00:00Z", true],
    ["month", "2026-06-01T00:00Z", "2026-08-01T00:00Z", false],
    ["month", "2026-06-02T00:00Z", "2026-07-02T00:00Z", false],
    ["month", "2026-05-31T18:30Z", "2026-06-30T18:30Z", true, 330],
  ])("has a %s from %s to %s: %s", (granularity, from, to, on, utcOffsetMinutes = 0) => {
    const span = { from: instant(Date.parse(from)), to: instant(Date.parse(to)) };
    expect(isOnGrid(span, { granularity, utcOffsetMinutes })).toBe(on);
  });

  it("has no window of times that are none", () => {
    const span = { from: instant(Number.NaN), to: instant(0.5) };
    expect(isOnGrid(span, { granularity: "hour", utcOffsetMinutes: 0 })).toBe(false);
  });
});
