import { expect, it } from "vitest";
import { converter, type Quantity } from "./quantity.ts";

it.each<[Quantity, string, number, number]>([
  ["activeEnergyImport", "kWh", 13, 13_000],
  ["activeEnergyExport", "W·min", 60, 1],
  ["voltage", "mV", 12_530, 12.53],
  ["current", "mA", 38, 0.038],
  ["stateOfCharge", "‰", 839, 83.9],
  ["airTemperature", "°F", 212, 100],
  ["soilMoisture", "%VWC", 35.6, 0.356],
  ["powerFactor", "%", 98, 0.98],
  ["windSpeed", "km/h", 36, 10],
])("%s: a value in %s is stored in the one unit of the table", (quantity, unit, value, stored) => {
  expect(converter(quantity, unit)?.(value)).toBeCloseTo(stored, 10);
});

it("knows no way from a temperature to a power", () => {
  expect(converter("activePower", "°C")).toBeUndefined();
});
