import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addMs,
  dayBounds,
  dayOf,
  fromLocal,
  instant,
  nextDay,
  SLOT_MS,
  slotStart,
  toIso,
  toLocal,
  type Day,
} from "./time.ts";

/**
 * Days of real zones. The expected bounds are computed by hand from the rules in the IANA time zone database (files
 * europe, southamerica, asia, africa, australasia), not by this code.
 */
describe("civil days of real zones", () => {
  it.each([
    // EU rule: last Sunday of March and October, at 01:00 UTC.
    ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", 92],
    ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", 100],
    ["Europe/Berlin", "2026-06-15", "2026-06-14T22:00:00.000Z", 96],
    // Brazil until 2019: from 00:00 to 01:00 on the first Sunday of November, so midnight does not exist …
    ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", 92],
    // … and from 24:00 back to 23:00 on the day before the third Sunday of February: that Saturday has 25 hours.
    ["America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00.000Z", 100],
    ["America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000Z", 96],
    ["Asia/Kolkata", "2026-10-25", "2026-10-24T18:30:00.000Z", 96],
    ["Africa/Nairobi", "2026-03-29", "2026-03-28T21:00:00.000Z", 96],
    // Lord Howe moves by half an hour: +11 in summer, +10:30 otherwise; first Sundays of April and October at 02:00.
    ["Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00.000Z", 98],
    ["Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00.000Z", 94],
    // Samoa went from -10 to +14 at the end of 29 December 2011: its 30 December did not take place.
    ["Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00.000Z", 96],
    ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0],
    ["Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z", 96],
  ])("%s: %s begins at %s and has %i quarter hours", (zone, day, begins, slots) => {
    const { start, end } = dayBounds(day as Day, zone);
    expect([toIso(start), (end - start) / SLOT_MS]).toEqual([begins, slots]);
  });
});

const ZONES = [
  "Europe/Berlin",
  "America/Sao_Paulo",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Africa/Nairobi",
  "Australia/Lord_Howe",
  "Pacific/Apia",
];
const zones = fc.constantFrom(...ZONES);
const times = fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) }).map((ms) => instant(ms));

it("puts each instant into exactly one day and one slot of it", () => {
  fc.assert(
    fc.property(times, zones, (time, zone) => {
      const { start, end } = dayBounds(dayOf(time, zone), zone);
      expect(start <= time && time < end).toBe(true);
      const slot = slotStart(time);
      expect(slot <= time && time < addMs(slot, SLOT_MS)).toBe(true);
      expect(start <= slot && slot + SLOT_MS <= end).toBe(true);
    }),
    { numRuns: 1_500 },
  );
});

it("lets days tile the line: where one ends the next begins, on a quarter hour", () => {
  fc.assert(
    fc.property(times, zones, (time, zone) => {
      const day = dayOf(time, zone);
      const { start, end } = dayBounds(day, zone);
      expect(end).toBe(dayBounds(nextDay(day), zone).start);
      expect([start % SLOT_MS, end % SLOT_MS]).toEqual([0, 0]);
    }),
    { numRuns: 1_500 },
  );
});

it("reads a time on the wall back as the instant that it was written from", () => {
  // Where clocks are set back an hour comes twice; either of the two is right.
  fc.assert(
    fc.property(times, zones, (time, zone) => {
      const whole = instant(Math.floor(time / 1000) * 1000);
      const text = toLocal(whole, zone);
      const read = fromLocal(text, zone);
      expect(read && toLocal(read, zone)).toBe(text);
      expect(Math.abs(Number(read) - whole)).toBeLessThanOrEqual(3_600_000);
    }),
    { numRuns: 1_500 },
  );
  expect(fromLocal("half past two", "Africa/Nairobi")).toBeUndefined();
});
