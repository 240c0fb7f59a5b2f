import type { DatabaseSync } from "node:sqlite";
import { isQuantity, QUANTITIES, type Quantity } from "../../../domain/model/index.ts";
import { prepare } from "../blocks/rows.ts";

/** Streams that are kept for the same time, by what they measure. */
export const STREAM_CLASSES = ["energy", "power", "weather", "soil", "water", "other"] as const;
export type StreamClass = (typeof STREAM_CLASSES)[number];

const WEATHER: ReadonlySet<Quantity> = new Set([
  "airTemperature",
  "relativeHumidity",
  "atmosphericPressure",
  "vapourPressure",
  "illuminance",
  "rainfall",
  "solarIrradiance",
  "windSpeed",
  "windDirection",
  "leafWetness",
]);
const ENERGY_UNITS: ReadonlySet<string> = new Set(["Wh", "varh", "Ah"]);
const POWER_UNITS: ReadonlySet<string> = new Set(["W", "var", "VA", "V", "A", "Hz"]);
const WATER: ReadonlySet<Quantity> = new Set(["tankLevel", "waterFlow", "waterVolume", "gasVolume"]);

/** The class of `device/quantity/channel`. */
export function classOf(stream: string): StreamClass {
  const quantity = stream.split("/")[1] ?? "";
  if (!isQuantity(quantity)) return "other";
  const { unit } = QUANTITIES[quantity];
  if (ENERGY_UNITS.has(unit)) return "energy";
  if (POWER_UNITS.has(unit) || quantity === "powerFactor") return "power";
  if (WEATHER.has(quantity)) return "weather";
  if (quantity.startsWith("soil")) return "soil";
  return WATER.has(quantity) ? "water" : "other";
}

/** Readings of the stream before this time may be gone; -Infinity where nothing of its class was ever deleted. */
export function retiredThrough(db: DatabaseSync, stream: string): number {
  const row = prepare(db, "SELECT through FROM retired WHERE class = ?").get(classOf(stream));
  return row ? Number(row["through"]) : -Infinity;
}

/** Under this name the record keeps how far the readings of a class are deleted. */
export const retiredProgress = (name: StreamClass): string => `retired ${name}`;
