import { describe, expect, it } from "vitest";
import {
  dayBounds,
  dayOf,
  dayOfYear,
  dayStart,
  instant,
  nextDay,
  SLOT_MS,
  slotStart,
  toIso,
  type Day,
} from "./time.ts";

describe("civil days", () => {
  // Summer time of the EU in 2026 begins on 29 March and ends on 25 October (Directive 2000/84/EC).
  it.each([
    ["2026-06-15", "Africa/Nairobi", "2026-06-14T21:00:00.000Z", 96],
    ["2026-03-29", "Europe/Vienna", "2026-03-28T23:00:00.000Z", 92],
    ["2026-10-25", "Europe/Vienna", "2026-10-24T22:00:00.000Z", 100],
    ["2026-06-15", "Asia/Kolkata", "2026-06-14T18:30:00.000Z", 96],
    ["2026-06-15", "Asia/Kathmandu", "2026-06-14T18:15:00.000Z", 96],
  ])("%s in %s begins at %s and has %i quarter hours", (day, zone, begins, slots) => {
    const { start, end } = dayBounds(day as Day, zone);
    expect([toIso(start), (end - start) / SLOT_MS]).toEqual([begins, slots]);
    expect([dayOf(start, zone), dayOf(instant(end - 1), zone)]).toEqual([day, day]);
  });

  it("begins later where midnight does not exist", () => {
    // Beirut moved from 00:00 to 01:00 on 29 March 2026 (IANA tzdata, rule Lebanon).
    expect(toIso(dayStart("2026-03-29" as Day, "Asia/Beirut"))).toBe("2026-03-28T22:00:00.000Z");
  });

  it("counts the days of a year as FAO-56 does", () => {
    // FAO-56 table 2.5: 6 July is day 187 of a common year; 31 December is 366 of a leap year.
    expect([
      dayOfYear("2026-07-06" as Day),
      dayOfYear("2024-12-31" as Day),
      nextDay("2026-12-31" as Day),
    ]).toEqual([187, 366, "2027-01-01"]);
  });
});

it("aligns slots to the quarter hour of UTC", () => {
  expect(toIso(slotStart(instant(Date.UTC(2026, 5, 15, 6, 59, 59, 999))))).toBe("2026-06-15T06:45:00.000Z");
});
