import { expect, it } from "vitest";
import { instant, type Quality, type Quantity, type Reading } from "../../domain/model/index.ts";
import { readingOf } from "../../test/support/readings.ts";
import { createDeviceStates } from "./device-state.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const at = (seconds: number) => instant(NOON + seconds * 1_000);
const reading = (seconds: number, quantity: Quantity = "voltage", quality: Quality = "ok"): Reading =>
  readingOf(at(seconds), quantity, { quality });
const open = () => createDeviceStates([{ id: "meter-1", interval: 10_000 }]);

it("starts, is ok with its first reading, and silent after three missed intervals", () => {
  const states = open();
  expect(states.all(at(0))).toEqual([{ id: "meter-1", state: "starting", failures: 0 }]);
  states.kept("meter-1", [reading(0)]);
  expect(states.all(at(30))[0]).toMatchObject({ state: "ok", lastReading: at(0) });
  expect(states.all(at(31))[0]).toMatchObject({ state: "silent", lastReading: at(0) });
});

it("turns silent when the device repeats a stamp of its own", () => {
  const states = open();
  for (let seconds = 0; seconds <= 60; seconds += 10) states.kept("meter-1", [reading(0)]);
  expect(states.all(at(60))[0]).toMatchObject({ state: "silent", lastReading: at(0) });
});

it("names the last fault until the device answers, and counts faults in a row", () => {
  const states = open();
  expect([states.failed("meter-1", "no answer"), states.failed("meter-1", "garbled")]).toEqual([1, 2]);
  expect(states.all(at(0))[0]).toMatchObject({ state: "backingOff", failures: 2, error: "garbled" });
  states.answered("meter-1");
  expect(states.all(at(0))[0]).toEqual({ id: "meter-1", state: "starting", failures: 0 });
});

it("says which of its values are not believed, and forgets it when they are good again", () => {
  const states = open();
  states.kept("meter-1", [reading(0), reading(0, "activeEnergyImport", "stale")]);
  expect(states.all(at(0))[0]?.doubtful).toEqual({ activeEnergyImport: "stale" });
  states.kept("meter-1", [reading(10, "activeEnergyImport")]);
  expect(states.all(at(10))[0]?.doubtful).toBeUndefined();
});

it("knows nothing of a device that is not in the site file", () => {
  const states = open();
  expect(states.failed("stranger", "no answer")).toBe(0);
  expect(states.all(at(0))).toHaveLength(1);
});
