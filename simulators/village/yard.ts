import { random, type Random } from "./random.ts";
import { roofPower } from "./household.ts";
import { localMinute, STEP_MS } from "./place.ts";
import type { Weather } from "./weather.ts";

/**
 * The yard of the co-op: a meter at the grid, panels, a pump at the borehole with its tank, a battery that carries the
 * heavy loads (a mill, a workshop), and a fridge for vaccines. Every flow is a whole number of W or ml/s that holds until
 * the next whole minute or the next switching; counters are their sums over whole milliseconds. So the books close
 * exactly, whenever somebody looks: import + production = consumption + export + charge, and what goes into battery and
 * tank is what comes out of them and what is left. The yard is a function of seed, time and the switchings so far.
 */
export interface YardFlows {
  /** W on the yard's own mains. */
  import: number;
  export: number;
  production: number;
  /** Everything on the mains but the charger. */
  consumption: number;
  charge: number;
  /** W that the battery gives, all of it to the heavy loads. */
  discharge: number;
  /** ml/s. */
  pumped: number;
  drunk: number;
  /** Over the rim of a full tank. */
  spilled: number;
}

export interface Yard {
  /** Up to where it has been counted, ms. */
  time: number;
  readonly flows: YardFlows;
  /** W·ms and µl since the yard was built. */
  readonly counters: YardFlows;
  readonly on: Record<YardSwitch, boolean>;
  /** W·ms in the battery, µl in the tank. */
  stored: number;
  water: number;
  readonly fridge: { temperature: number; isCooling: boolean };
  /** V and Hz at the meter. */
  voltage: number;
  frequency: number;
  /** What the minute brings, whoever switches: W of the roof, W that always run, ml/s that are asked of the tank. */
  readonly minute: { production: number; standby: number; thirst: number };
  readonly switchings: Switching[];
  /** How many of them have taken place. */
  switched: number;
  readonly dice: Random;
}

export type YardSwitch = "pump" | "loads";
export const YARD_SWITCHES: readonly YardSwitch[] = ["pump", "loads"];

export interface Switching {
  /** ms. */
  readonly time: number;
  readonly what: YardSwitch;
  readonly on: boolean;
}

const HOUR_MS = 3_600_000;
/** W·ms. */
export const BATTERY_CAPACITY = 4_000 * HOUR_MS;
/** m², and what stands in it at the rim, µl: 3 m. */
export const TANK_AREA = 5;
const MICROLITRES_A_CUBIC_METRE = 1e9;
const TANK_CAPACITY = TANK_AREA * 3 * MICROLITRES_A_CUBIC_METRE;

const [PEAK_W, OFFICE_W, FRIDGE_W, PUMP_W, CHARGER_W, LOADS_W] = [5_000, 150, 80, 750, 500, 700];
/** 750 W lift 1.25 l/s by 30 m at an efficiency of one half (ρ g Q H). */
const PUMP_FLOW = 1_250;
const START = { charge: 0.4, level: 0.51, fridge: 5 };
/** °C at which the thermostat switches; K a minute of the compressor, and the share of the difference that leaks in. */
const FRIDGE = { warm: 6, cold: 4, cooling: 0.12, leak: 1 / 400, room: 2 };

const noFlow = (): YardFlows => ({
  ...{ import: 0, export: 0, production: 0, consumption: 0, charge: 0, discharge: 0 },
  ...{ pumped: 0, drunk: 0, spilled: 0 },
});

/** @param from when it was built, ms; `switchings`: those that are known already, in order of time */
export function newYard(seed: number, from: number, switchings: readonly Switching[] = []): Yard {
  return {
    time: Math.ceil(from / STEP_MS) * STEP_MS,
    flows: noFlow(),
    counters: noFlow(),
    on: { pump: false, loads: true },
    stored: Math.floor(BATTERY_CAPACITY * START.charge),
    water: TANK_AREA * START.level * MICROLITRES_A_CUBIC_METRE,
    fridge: { temperature: START.fridge, isCooling: false },
    ...{ voltage: 231, frequency: 50 },
    minute: { production: 0, standby: 0, thirst: 0 },
    switchings: [...switchings],
    switched: 0,
    dice: random(seed, "yard"),
  };
}

/** m of water over the probe, and the share of the charge, 0 to 1. */
export const levelOf = ({ water }: Readonly<Yard>): number => water / MICROLITRES_A_CUBIC_METRE / TANK_AREA;
export const chargeOf = ({ stored }: Readonly<Yard>): number => stored / BATTERY_CAPACITY;

/** Comes to the minute that `weather` shows, and looks what it brings. */
export function stepYard(yard: Yard, weather: Readonly<Weather>): void {
  if (weather.time < yard.time) return;
  runYard(yard, weather.time);
  stepFridge(yard.fridge, weather.airTemperature);
  const { minute, dice } = yard;
  minute.production = roofPower(PEAK_W, weather);
  minute.standby = OFFICE_W + (yard.fridge.isCooling ? FRIDGE_W : 0);
  minute.thirst = thirst(localMinute(weather.time), dice);
  settle(yard);
  const { import: drawn, export: fed } = yard.flows;
  yard.voltage = Math.round((231.5 - (drawn - fed) * 0.0015 + dice.normal() * 0.6) * 10) / 10;
  yard.frequency = Math.round((50 + dice.normal() * 0.02) * 100) / 100;
}

/** Goes on to `time` within the minute, by way of every switching until then. */
export function runYard(yard: Yard, time: number): void {
  for (
    let next = yard.switchings[yard.switched];
    next && next.time <= time;
    next = yard.switchings[yard.switched]
  ) {
    yard.switched += 1;
    count(yard, next.time);
    yard.on[next.what] = next.on;
    settle(yard);
  }
  count(yard, time);
}

function count(yard: Yard, time: number): void {
  const ms = Math.max(0, time - yard.time);
  const { flows, counters } = yard;
  for (const flow of Object.keys(flows) as (keyof YardFlows)[]) counters[flow] += flows[flow] * ms;
  yard.stored += (flows.charge - flows.discharge) * ms;
  yard.water += (flows.pumped - flows.drunk - flows.spilled) * ms;
  yard.time += ms;
}

/**
 * What flows from now on. A store is never filled or emptied beyond its end before the next look, a minute from now at
 * the latest: the charger throttles, the rim spills, the inverter of an empty battery lets go.
 */
function settle({ flows, minute, on, stored, water }: Yard): void {
  flows.production = minute.production;
  flows.consumption = minute.standby + (on.pump ? PUMP_W : 0);
  const surplus = Math.max(0, flows.production - flows.consumption);
  const inBattery = Math.floor(stored / STEP_MS);
  const room = Math.floor((BATTERY_CAPACITY - stored) / STEP_MS);
  flows.discharge = on.loads && Math.min(CHARGER_W, surplus) + inBattery >= LOADS_W ? LOADS_W : 0;
  flows.charge = Math.min(CHARGER_W, surplus, room + flows.discharge);
  const drawn = flows.consumption + flows.charge - flows.production;
  flows.import = Math.max(0, drawn);
  flows.export = Math.max(0, -drawn);
  flows.pumped = on.pump ? PUMP_FLOW : 0;
  flows.drunk = Math.min(minute.thirst, flows.pumped + Math.floor(water / STEP_MS));
  const free = Math.floor((TANK_CAPACITY - water) / STEP_MS);
  flows.spilled = Math.max(0, flows.pumped - flows.drunk - free);
}

/** ml/s: people and animals from six to seven, most of them in the morning and before the evening. */
function thirst(minute: number, dice: Random): number {
  const hour = minute / 60;
  const many = (hour >= 6 && hour < 9) || (hour >= 16 && hour < 19);
  const mean = many ? 130 : hour >= 9 && hour < 16 ? 50 : 0;
  return Math.max(0, Math.round(mean * (1 + 0.3 * dice.normal())));
}

function stepFridge(fridge: Yard["fridge"], outside: number): void {
  const leak = (outside + FRIDGE.room - fridge.temperature) * FRIDGE.leak;
  fridge.temperature += leak - (fridge.isCooling ? FRIDGE.cooling : 0);
  if (fridge.temperature >= FRIDGE.warm) fridge.isCooling = true;
  if (fridge.temperature <= FRIDGE.cold) fridge.isCooling = false;
}
