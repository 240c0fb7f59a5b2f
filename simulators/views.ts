import { NO_SHIFT, type Shift } from "./faults.ts";
import { pzem004t, sdm120, sdm630, shifted, type MeterView } from "./modbus/meters.ts";
import type { RegisterTables } from "./modbus/registers.ts";
import { zts3000, type SoilView } from "./modbus/soil-probe.ts";
import { sunspecInverter } from "./modbus/sunspec.ts";
import type { PlannedDevice } from "./plan.ts";
import type { ControllerView } from "./vedirect.ts";
import type { Battery } from "./village/battery.ts";
import type { Flows, Household } from "./village/household.ts";
import type { Soil } from "./village/soil.ts";
import { dayNumber } from "./village/sun.ts";
import type { VillageState } from "./village/village.ts";

/** What each device sees of the village: from household and weather to the numbers on its terminals. */

const MINUTES_AN_HOUR = 60;
const energy = (wattMinutes: number): number => wattMinutes / MINUTES_AN_HOUR;

/** Wh of one flow at this very moment: the whole minutes, and of the minute that runs as much as has passed. */
const counted = ({ counters, power }: Readonly<Household>, flow: keyof Flows, elapsed: number): number =>
  energy(counters[flow] + power[flow] * elapsed);

export function householdOf(state: VillageState, device: PlannedDevice): Readonly<Household> {
  const household = state.households[device.household];
  if (!household)
    throw new RangeError(`${device.id} belongs to household ${device.household}, which is not there`);
  return household;
}

/** The meter at the grid connection: import when the house draws, export when it feeds. */
export function gridView(household: Readonly<Household>, elapsed: number): MeterView {
  const { power, voltage, frequency, powerFactor } = household;
  const importWh = counted(household, "import", elapsed);
  const exportWh = counted(household, "export", elapsed);
  return { power: power.import - power.export, importWh, exportWh, voltage, frequency, powerFactor };
}

/** A meter in front of the panels, wired as towards the grid: a generator is negative power, and counts as export. */
export function solarView(household: Readonly<Household>, elapsed: number): MeterView {
  const { power, voltage, frequency } = household;
  // Not -0: its sign bit would show in the register.
  const produced = power.production === 0 ? 0 : -power.production;
  const exportWh = counted(household, "production", elapsed);
  return { power: produced, importWh: 0, exportWh, voltage, frequency, powerFactor: 1 };
}

/** @throws RangeError for a device that does not speak Modbus */
export function registersOf(
  state: VillageState,
  device: PlannedDevice,
  shift: Shift = NO_SHIFT,
): RegisterTables {
  const household = householdOf(state, device);
  const { elapsed, weather } = state;
  const grid = (): MeterView => shifted(gridView(household, elapsed), shift);
  switch (device.device) {
    case "eastron-sdm630":
      return sdm630(grid());
    case "eastron-sdm120":
      return sdm120(device.mounting === "solar" ? shifted(solarView(household, elapsed), shift) : grid());
    case "peacefair-pzem-004t-v3":
      return pzem004t(grid());
    case "zts-3000-tr-ws-n01":
      return zts3000(soilView(weather.soil, shift));
    case "sunspec-inverter":
      return inverterRegisters(state, device);
    case "fieldwatt-weather-station":
    case "shelly-energy":
    case "tasmota-energy":
    case "victron-mppt":
      throw new RangeError(`${device.device} has no registers`);
  }
}

const soilView = ({ moisture, temperature, conductivity, ph }: Readonly<Soil>, shift: Shift): SoilView => ({
  moisture: moisture + shift("soilMoisture"),
  temperature: temperature + shift("soilTemperature"),
  conductivity: conductivity + shift("soilConductivity"),
  ph: ph + shift("soilPh"),
});

function inverterRegisters(state: VillageState, device: PlannedDevice): RegisterTables {
  const household = householdOf(state, device);
  const { power, voltage, frequency } = household;
  const view = {
    power: power.production,
    energyWh: counted(household, "production", state.elapsed),
    voltage,
    frequency,
    powerFactor: 1,
    temperature: state.weather.airTemperature + power.production / 150,
  };
  return sunspecInverter(view, { maker: "Fieldwatt", model: "Simulated inverter", serial: device.id });
}

/** A 12.8 V battery: its voltage follows its charge and its current. */
export function controllerView(
  state: VillageState,
  device: PlannedDevice,
  battery: Readonly<Battery>,
): ControllerView {
  const household = householdOf(state, device);
  const { power } = household;
  const charge = battery.stored / battery.capacity;
  const netPower = power.charge - power.discharge;
  const batteryVoltage = 12.2 + 1.3 * charge + netPower / 400;
  return {
    serial: `HQ26${String(device.household + 1).padStart(4, "0")}FWATT`.slice(0, 11),
    batteryVoltage,
    batteryCurrent: netPower / batteryVoltage,
    panelVoltage: power.production > 0 ? 31.5 : state.weather.solarIrradiance > 0 ? 36 : 0.5,
    panelPower: power.production,
    loadCurrent: battery.load / batteryVoltage,
    yieldTotal: counted(household, "production", state.elapsed),
    yieldToday: energy(battery.yieldToday),
    yieldYesterday: energy(battery.yieldYesterday),
    maxToday: battery.maxToday,
    maxYesterday: battery.maxYesterday,
    batteryFull: charge > 0.99,
    daySequence: dayNumber(state.weather.time) % 365,
  };
}
