import type { Fitting } from "./pattern.ts";
import { localMinute } from "./place.ts";
import { random, type Random } from "./random.ts";
import { newAppliances, stepAppliances, type Appliances } from "./appliances.ts";
import { countMinute, newBattery, stepBattery, type Battery } from "./battery.ts";
import type { Weather } from "./weather.ts";

/**
 * One household's electricity. Powers are whole watts and hold for the minute that is shown; counters are whole
 * watt-minutes at its start, the sum of exactly those powers. So the books close to the last watt-minute, over any span:
 * import + production + discharge = consumption + export + charge.
 */
export interface Flows {
  import: number;
  export: number;
  production: number;
  consumption: number;
  charge: number;
  discharge: number;
}

export interface Household {
  readonly power: Flows;
  /** Watt-minutes; they start somewhere, as meters that have hung for a while do. */
  readonly counters: Flows;
  /** V and Hz at the meter. */
  voltage: number;
  frequency: number;
  powerFactor: number;
  /** W at full sun; 0 without panels. */
  readonly peakPower: number;
  /** Behind a charge controller: then the panels feed it alone, never the mains. */
  readonly battery?: Battery;
  readonly appliances: Appliances;
  readonly dice: Random;
}

const noFlow = (): Flows => ({
  import: 0,
  export: 0,
  production: 0,
  consumption: 0,
  charge: 0,
  discharge: 0,
});
const WATT_MINUTES_A_KWH = 60_000;
/** Wiring, dust and inverter, and the loss a kelvin above 25 °C of crystalline cells. */
const PERFORMANCE = 0.84;
const LOSS_A_KELVIN = 0.004;
/** A cell's warming at full sun, °C per W/m² (nominal operating cell temperature of 45 °C). */
const CELL_WARMING = 25 / 800;

/** @param index 0 for the first household */
export function newHousehold(seed: number, index: number, fitting: Fitting): Household {
  const traits = random(seed, `household/${index}/traits`);
  const counters = noFlow();
  counters.import = Math.floor(traits.between(50, 2_000) * WATT_MINUTES_A_KWH);
  const age = Math.floor(traits.between(40, 900) * WATT_MINUTES_A_KWH);
  const size = traits.between(1_200, 3_600);
  if (fitting.solar !== undefined) counters.production = age;
  // What an older roof fed in is a share of what it made.
  if (fitting.solar === "inverter" || fitting.solar === "meter") counters.export = Math.floor(age * 0.6);
  return {
    power: noFlow(),
    counters,
    voltage: 231,
    frequency: 50,
    powerFactor: 0.97,
    peakPower: fitting.solar === undefined ? 0 : fitting.solar === "controller" ? 340 : Math.round(size),
    ...(fitting.solar === "controller" && {
      battery: newBattery(random(seed, `household/${index}/battery`)),
    }),
    appliances: newAppliances(random(seed, `household/${index}/appliances`)),
    dice: random(seed, `household/${index}/day`),
  };
}

/** Counts the minute that was shown, then looks at the minute that `weather` shows. */
export function stepHousehold(household: Household, weather: Readonly<Weather>): void {
  count(household.counters, household.power);
  if (household.battery)
    countMinute(household.battery, household.power.production, localMinute(weather.time));
  lookAt(household, weather);
}

function count(counters: Flows, power: Readonly<Flows>): void {
  counters.import += power.import;
  counters.export += power.export;
  counters.production += power.production;
  counters.consumption += power.consumption;
  counters.charge += power.charge;
  counters.discharge += power.discharge;
}

export function lookAt(household: Household, weather: Readonly<Weather>): void {
  const { power, dice } = household;
  const load = stepAppliances(household.appliances, localMinute(weather.time), weather.airTemperature, dice);
  const available = roofPower(household.peakPower, weather);
  if (household.battery) {
    // The direct-current side is an island: panel, battery, lamps. The mains carry the rest.
    const island = stepBattery(household.battery, available, localMinute(weather.time));
    power.production = island.production;
    power.charge = island.charge;
    power.discharge = island.discharge;
    power.consumption = load + island.consumption;
    power.import = load;
  } else {
    power.production = available;
    power.consumption = load;
    power.import = Math.max(0, load - available);
    power.export = Math.max(0, available - load);
  }
  const drawn = power.import - power.export;
  household.voltage = Math.round((231.5 - drawn * 0.0015 + dice.normal() * 0.6) * 10) / 10;
  household.frequency = Math.round((50 + dice.normal() * 0.02) * 100) / 100;
  household.powerFactor = Math.round((0.96 + dice.between(0, 0.03)) * 100) / 100;
}

/** W of panels that give `peakPower` at full sun. */
export function roofPower(peakPower: number, { solarIrradiance, airTemperature }: Readonly<Weather>): number {
  if (peakPower === 0 || solarIrradiance === 0) return 0;
  const cell = airTemperature + CELL_WARMING * solarIrradiance;
  const share = (solarIrradiance / 1000) * PERFORMANCE * (1 - LOSS_A_KELVIN * (cell - 25));
  return Math.max(0, Math.min(peakPower, Math.round(peakPower * share)));
}
