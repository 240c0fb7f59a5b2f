import type { Random } from "./random.ts";

/**
 * A small direct-current island behind an MPPT charge controller: panel, 12 V battery, lamps and a phone charger.
 * All energies are whole watt-minutes, so that the island's books close as exactly as the house's.
 */
export interface Battery {
  readonly capacity: number;
  stored: number;
  /** Watt-minutes, and W, of the local day; yesterday's for comparison, as the controller shows them. */
  yieldToday: number;
  yieldYesterday: number;
  maxToday: number;
  maxYesterday: number;
  /** W of lamps and chargers in the minute that is shown. */
  load: number;
  readonly lamps: number;
}

export interface IslandFlows {
  readonly production: number;
  readonly consumption: number;
  readonly charge: number;
  readonly discharge: number;
}

/** 100 Ah at 12.8 V, in watt-minutes. */
const CAPACITY = 100 * 12.8 * 60;
/** Lamps stay off below this share, to spare the battery. */
const LOAD_DISCONNECT = 0.2;

export function newBattery(dice: Random): Battery {
  return {
    capacity: CAPACITY,
    stored: Math.floor(CAPACITY * dice.between(0.5, 0.8)),
    yieldToday: 0,
    yieldYesterday: 0,
    maxToday: 0,
    maxYesterday: 0,
    load: 0,
    lamps: Math.round(dice.between(25, 60)),
  };
}

/** Adds a passed minute to the day's history; `minute` is the local minute that begins now. */
export function countMinute(battery: Battery, production: number, minute: number): void {
  battery.yieldToday += production;
  battery.maxToday = Math.max(battery.maxToday, production);
  if (minute !== 0) return;
  [battery.yieldYesterday, battery.maxYesterday] = [battery.yieldToday, battery.maxToday];
  [battery.yieldToday, battery.maxToday] = [0, 0];
}

/** The island's whole watts for the next minute: a full battery throttles the panel, an empty one dims the lamps. */
export function stepBattery(battery: Battery, available: number, minute: number): IslandFlows {
  const evening = minute > 1_110 || minute < 5;
  const wanted = (evening ? battery.lamps : 0) + 4;
  const spare = Math.max(0, battery.stored - Math.floor(battery.capacity * LOAD_DISCONNECT));
  const consumption = Math.min(wanted, spare + available);
  const production = Math.min(available, consumption + battery.capacity - battery.stored);
  const charge = Math.max(0, production - consumption);
  const discharge = Math.max(0, consumption - production);
  battery.stored += charge - discharge;
  battery.load = consumption;
  return { production, consumption, charge, discharge };
}
