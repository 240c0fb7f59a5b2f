import { describe, expect, it } from "vitest";
import { addMs, deviceId, instant, streamId, type Quantity } from "../model/index.ts";
import { deviceMeter, type DeviceMeter } from "./meter.ts";

const START = instant(Date.UTC(2026, 5, 15, 10));
const MINUTE = 60_000;
const grid = deviceId("grid");

function tell(meter: DeviceMeter, minute: number, quantity: Quantity, value: number): void {
  const time = addMs(START, minute * MINUTE);
  meter.observe({ stream: streamId(grid, quantity), time, value, quality: "ok" });
}

const imported = (meter: DeviceMeter) => meter.slot(START, false).import.kind;

describe("a quarter hour of a meter", () => {
  it.each<[string, string, readonly (readonly [number, Quantity, number])[]]>([
    ["nothing was ever heard", "waiting", []],
    ["the register was read before, and not yet beyond it", "waiting", [[-5, "activeEnergyImport", 10]]],
    [
      "the register was first read beyond its end: it will never be known",
      "unknown",
      [[20, "activeEnergyImport", 10]],
    ],
    [
      "the register was first read beyond its end, and power is on its way to it",
      "waiting",
      [
        [20, "activeEnergyImport", 10],
        [-1, "activePower", 500],
        [3, "activePower", 500],
      ],
    ],
    [
      "the register was first read beyond its end, and power fell silent long before",
      "unknown",
      [
        [20, "activeEnergyImport", 10],
        [-60, "activePower", 500],
      ],
    ],
  ])("where %s is %s", (_case, expected, readings) => {
    const meter = deviceMeter({ device: grid, mounting: "grid" });
    for (const [minute, quantity, value] of readings) tell(meter, minute, quantity, value);
    expect(imported(meter)).toBe(expected);
  });
});
