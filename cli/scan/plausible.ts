import type { Quantity } from "../../domain/model/index.ts";

/**
 * How likely a number is a real value of a quantity. A register map that is not the device's own gives numbers all over
 * the range; what is rare by chance and usual on a wall weighs most: 80 to 300 V, 45 to 65 Hz.
 */
interface Range {
  readonly low: number;
  readonly high: number;
  /** What a value within the range counts for. */
  readonly weight: number;
}

const RANGES: Readonly<Partial<Record<Quantity, Range>>> = {
  voltage: { low: 80, high: 300, weight: 4 },
  frequency: { low: 45, high: 65, weight: 4 },
  powerFactor: { low: -1, high: 1, weight: 1 },
  current: { low: -400, high: 400, weight: 0.5 },
  activePower: { low: -200_000, high: 200_000, weight: 0.5 },
  stateOfCharge: { low: 1, high: 100, weight: 2 },
  airTemperature: { low: -30, high: 60, weight: 1.5 },
  soilTemperature: { low: -10, high: 50, weight: 1.5 },
  deviceTemperature: { low: -20, high: 100, weight: 1 },
  relativeHumidity: { low: 1, high: 100, weight: 1.5 },
  soilMoisture: { low: 0.01, high: 0.7, weight: 1.5 },
  soilPh: { low: 3, high: 10, weight: 2 },
  soilConductivity: { low: 1, high: 20_000, weight: 0.5 },
  windSpeed: { low: 0, high: 60, weight: 0.5 },
  windDirection: { low: 0, high: 360, weight: 0.5 },
  atmosphericPressure: { low: 50, high: 110, weight: 3 },
  tankLevel: { low: 0, high: 20, weight: 0.5 },
};
const OTHERWISE: Range = { low: -1e9, high: 1e9, weight: 0.25 };
/** Between two phases, and on panels and batteries, voltages are other ones. */
const OTHER_VOLTAGE: Range = { low: 5, high: 1_500, weight: 1 };

const isPhase = (channel: string | undefined): boolean => channel === undefined || /^L[123]$/.test(channel);

const rangeOf = (quantity: Quantity, channel: string | undefined): Range =>
  quantity === "voltage" && !isPhase(channel) ? OTHER_VOLTAGE : (RANGES[quantity] ?? OTHERWISE);

/** How telling a point is, whatever its value. */
export const weightOf = (quantity: Quantity, channel: string | undefined): number =>
  rangeOf(quantity, channel).weight;

/**
 * The point's weight where the value is plausible, none where it is 0 (an unused input says 0, and so does a wrong
 * address), minus the weight where it cannot be.
 */
export function plausibility(quantity: Quantity, channel: string | undefined, value: number): number {
  const { low, high, weight } = rangeOf(quantity, channel);
  if (value === 0) return 0;
  return value >= low && value <= high ? weight : -weight;
}
