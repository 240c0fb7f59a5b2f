import { isQuantity, type Quantity } from "../../domain/model/index.ts";
import { random } from "../village/random.ts";

/**
 * What a fake measures when nobody told it: a plausible walk around the usual value of each quantity, a pure function
 * of seed, target and time, so that any program can be held against it. Phases add up to the whole, and a current fits
 * its power and voltage.
 */
export type Scene = (target: string, seconds: number) => number | undefined;

/** The shares of three unequal phases. */
const SHARES: Readonly<Record<string, number>> = { L1: 0.45, L2: 0.35, L3: 0.2 };
const POWER_FACTOR = 0.95;
const SECONDS_AN_HOUR = 3_600;
const PERIODS_S = [37, 211, 1_723] as const;

/** Usual value, and how far it walks to either side, in stored units. */
const USUAL: Readonly<Partial<Record<Quantity, readonly [middle: number, swing: number]>>> = {
  activePower: [1_150, 400],
  voltage: [230, 3],
  frequency: [50, 0.03],
  powerFactor: [POWER_FACTOR, 0],
  stateOfCharge: [71, 9],
  airTemperature: [24, 5],
  relativeHumidity: [58, 12],
  atmosphericPressure: [84.5, 0.4],
  rainfall: [0.2, 0],
  solarIrradiance: [610, 180],
  windSpeed: [2.4, 1.6],
  windDirection: [180, 90],
  leafWetness: [30, 20],
  soilMoisture: [0.27, 0.04],
  soilWaterPotential: [-33, 8],
  soilTemperature: [19.5, 2],
  soilConductivity: [640, 90],
  soilPh: [6.4, 0.2],
  soilNitrogen: [48, 4],
  soilPhosphorus: [32, 3],
  soilPotassium: [95, 8],
  deviceTemperature: [37, 4],
  tankLevel: [1.6, 0.5],
  waterFlow: [14, 6],
};

/** Counters at the start, and what they gain in an hour. */
const COUNTERS: Readonly<Partial<Record<Quantity, readonly [start: number, hourly: number]>>> = {
  activeEnergyImport: [1_234_500, 1_150],
  activeEnergyExport: [432_100, 400],
  reactiveEnergyImport: [45_600, 120],
  reactiveEnergyExport: [7_800, 20],
  waterVolume: [88_000, 840],
};

export function openScene(seed: number): Scene {
  return (target, seconds) => {
    const [quantity = "", channel = ""] = target.split(".");
    return isQuantity(quantity) ? shown(valueOf({ seed, seconds }, quantity, channel)) : undefined;
  };
}

/** As a meter shows it: three decimals. */
const shown = (value: number): number => Math.round(value * 1_000) / 1_000;

interface Moment {
  readonly seed: number;
  readonly seconds: number;
}

/** Quantities that follow from power and voltage, so that they agree with them. */
const DERIVED: Readonly<Partial<Record<Quantity, (moment: Moment, channel: string) => number>>> = {
  activePower: powerOf,
  apparentPower: (moment, channel) => powerOf(moment, channel) / POWER_FACTOR,
  reactivePower: (moment, channel) =>
    (powerOf(moment, channel) * Math.sqrt(1 - POWER_FACTOR ** 2)) / POWER_FACTOR,
  current: (moment, channel) => powerOf(moment, channel) / POWER_FACTOR / voltageOf(moment, channel),
  voltage: voltageOf,
};

/** V, where it is not the grid's. */
const BATTERIES: Readonly<Record<string, number>> = { battery: 26.2, starter: 12.7, midpoint: 13.1 };

function voltageOf(moment: Moment, channel: string): number {
  const battery = BATTERIES[channel];
  if (battery !== undefined) return (battery * walk(moment, "voltage", channel)) / 230;
  // L1-L2 lies between two phases.
  return walk(moment, "voltage", channel) * (channel.includes("-") ? Math.sqrt(3) : 1);
}

function valueOf(moment: Moment, quantity: Quantity, channel: string): number {
  const derived = DERIVED[quantity];
  if (derived) return derived(moment, channel);
  const counter = COUNTERS[quantity];
  if (!counter) return walk(moment, quantity, channel);
  const [start, hourly] = counter;
  return (SHARES[channel] ?? 1) * (start + (hourly * moment.seconds) / SECONDS_AN_HOUR);
}

function powerOf(moment: Moment, channel: string): number {
  const share = SHARES[channel];
  return share === undefined ? walk(moment, "activePower", channel) : share * walk(moment, "activePower", "");
}

/** Three slow waves of unrelated periods, which begin where the seed says. */
function walk({ seed, seconds }: Moment, quantity: Quantity, channel: string): number {
  const [middle, swing] = USUAL[quantity] ?? [1, 0];
  const dice = random(seed, `scene/${quantity}/${channel}`);
  const wave = PERIODS_S.reduce(
    (sum, period) => sum + Math.sin(2 * Math.PI * (seconds / period + dice.uniform())),
    0,
  );
  return middle + (swing * wave) / PERIODS_S.length;
}
