import { describe, expect, it } from "vitest";
import type { Quality, Quantity, Reading } from "../../domain/model/index.ts";
import { readingOf } from "../../test/support/readings.ts";
import { frozenWatch } from "./frozen.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const MINUTE = 60_000;

interface Values {
  readonly watts: number;
  readonly wh: number;
  readonly volts?: number;
}

/** The readings of a device at one minute. */
const at = (minute: number, { watts, wh, volts = 230 }: Values): Reading[] =>
  (
    [
      ["activePower", watts],
      ["activeEnergyImport", wh],
      ["voltage", volts],
    ] satisfies [Quantity, number][]
  ).map(([quantity, value]) => readingOf(NOON + minute * MINUTE, quantity, { value }));

/** What the last of these minutes is called, in the order power, counter, voltage. */
function after(minutes: number, values: (minute: number) => Values): Quality[] {
  const mark = frozenWatch();
  let last: readonly Reading[] = [];
  for (let minute = 0; minute <= minutes; minute++) last = mark(at(minute, values(minute)));
  return last.map(({ quality }) => quality);
}

describe("a counter that stands still", () => {
  // 3,000 W make 2,000 Wh in 40 minutes.
  it("is ok while less than 2 kWh have flowed", () => {
    expect(after(40, (minute) => ({ watts: 3_000, wh: 5_000, volts: 230 + minute }))).toEqual([
      "ok",
      "ok",
      "ok",
    ]);
  });

  it("is stale after 2 kWh, and the values that still move are not", () => {
    expect(after(41, (minute) => ({ watts: 3_000, wh: 5_000, volts: 230 + (minute % 3) }))).toEqual([
      "ok",
      "stale",
      "ok",
    ]);
  });

  it("makes the whole device stale where nothing of it moves", () => {
    expect(after(41, () => ({ watts: 3_000, wh: 5_000 }))).toEqual(["stale", "stale", "stale"]);
  });

  it("is believed again when it moves", () => {
    expect(after(60, (minute) => ({ watts: 3_000, wh: minute < 60 ? 5_000 : 8_000 }))).toEqual([
      "ok",
      "ok",
      "ok",
    ]);
  });

  it("is ok all night while no power flows", () => {
    expect(after(12 * 60, () => ({ watts: 0, wh: 5_000 }))).toEqual(["ok", "ok", "ok"]);
  });

  it("is ok with a display of whole kWh", () => {
    const values = (minute: number) => ({ watts: 3_000, wh: Math.floor((minute * 50) / 1_000) * 1_000 });
    for (let minutes = 1; minutes < 200; minutes += 7)
      expect(after(minutes, values)).toEqual(["ok", "ok", "ok"]);
  });
});

it("never calls a device without a counter frozen", () => {
  const mark = frozenWatch();
  for (let minute = 0; minute < 500; minute++) {
    const [power] = at(minute, { watts: 3_000, wh: 0 });
    if (!power) throw new Error("there is no power");
    expect(mark([power])).toEqual([power]);
  }
});

it("does not make energy of a long silence", () => {
  const mark = frozenWatch();
  mark(at(0, { watts: 3_000, wh: 5_000 }));
  const [power] = mark(at(24 * 60, { watts: 3_000, wh: 5_000 }));
  expect(power?.quality).toBe("ok");
});
