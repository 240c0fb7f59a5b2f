import type { Measured } from "../lorawan/payloads.ts";
import type { Message } from "./plugs.ts";

/** Sensors of a node by the names of their kind, in ESPHome's default units. */
const SENSORS: readonly (readonly [name: string, target: string, factor: number, digits: number])[] = [
  ["power", "activePower", 1, 1],
  ["voltage", "voltage", 1, 1],
  ["current", "current", 1, 3],
  ["total_energy", "activeEnergyImport", 0.001, 3],
  ["temperature", "airTemperature", 1, 2],
  ["humidity", "relativeHumidity", 1, 1],
  ["pressure", "atmosphericPressure", 10, 1],
  ["soil_moisture", "soilMoisture", 100, 2],
  ["soil_temperature", "soilTemperature", 1, 2],
];

/** States of an ESPHome node: `<prefix>/sensor/<name>/state`, a plain number; `nan` where a sensor failed. */
export const esphomeMessages = (measured: Measured): Message[] =>
  SENSORS.map(([name, target, factor, digits]) => {
    const value = measured(target);
    const text = value === undefined ? "nan" : (value * factor).toFixed(digits);
    return { subtopic: `sensor/${name}/state`, payload: Buffer.from(text) };
  });
