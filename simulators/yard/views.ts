import type { Shift } from "../faults.ts";
import { sdm120, shifted, type MeterView } from "../modbus/meters.ts";
import { table, uint16, type RegisterTables } from "../modbus/registers.ts";
import { zigbeeState } from "../mqtt/zigbee2mqtt.ts";
import { monitorBlocks, type Fields, type MonitorView } from "../vedirect.ts";
import { BATTERY_CAPACITY, chargeOf, levelOf, type Yard, type YardFlows } from "../village/yard.ts";
import type { YardPart } from "./plan.ts";

/** What each device of the yard shows of it, written from the makers' sheets. */

const MS_AN_HOUR = 3_600_000;
const energy = (yard: Readonly<Yard>, flow: keyof YardFlows): number => yard.counters[flow] / MS_AN_HOUR;
const percent = (value: number): number => Math.max(0, Math.min(100, value));

/** @throws RangeError for a part that does not speak Modbus */
export function yardRegisters(yard: Readonly<Yard>, part: YardPart, shift: Shift): RegisterTables {
  switch (part) {
    case "grid":
      return sdm120(shifted(mainsView(yard), shift));
    case "solar":
      return sdm120(shifted(roofView(yard), shift));
    case "tank":
      return levelProbe(levelOf(yard) + shift("tankLevel"));
    case "relay":
      return {};
    case "battery":
    case "fridge":
    case "loads":
      throw new RangeError(`The yard's ${part} has no registers`);
  }
}

function mainsView(yard: Readonly<Yard>): MeterView {
  const { flows, voltage, frequency } = yard;
  return {
    power: flows.import - flows.export,
    importWh: energy(yard, "import"),
    exportWh: energy(yard, "export"),
    ...{ voltage, frequency, powerFactor: 0.97 },
  };
}

/** Wired as towards the grid: a generator is negative power, and counts as export. */
function roofView(yard: Readonly<Yard>): MeterView {
  const { flows, voltage, frequency } = yard;
  // Not -0: its sign bit would show in the register.
  const power = flows.production === 0 ? 0 : -flows.production;
  return {
    ...{ power, importWh: 0, exportWh: energy(yard, "production") },
    ...{ voltage, frequency, powerFactor: 1 },
  };
}

/** The heavy loads at their plug, behind the inverter of the battery. */
export function loadsView(yard: Readonly<Yard>, shift: Shift): MeterView {
  const view = {
    ...{ power: yard.flows.discharge, importWh: energy(yard, "discharge"), exportWh: 0 },
    ...{ voltage: 230, frequency: 50, powerFactor: 0.95 },
  };
  return shifted(view, shift);
}

/** The probe ends at 5 m. */
const PROBE_M = 5;
const CHANNELS = 8;

/** Waveshare Modbus RTU Analog Input 8CH, mode 3: a 4 to 20 mA loop in µA in the first of eight input registers. */
function levelProbe(level: number): RegisterTables {
  const microamperes = 4_000 + (Math.max(0, level) / PROBE_M) * 16_000;
  return { input: table({ start: 0, length: CHANNELS }, { 0: uint16(microamperes) }) };
}

/** Sixteen cells of lithium iron phosphate: the voltage follows charge and current. */
export function monitorView(yard: Readonly<Yard>, shift: Shift): MonitorView {
  const charge = chargeOf(yard);
  const { flows, stored } = yard;
  const power = flows.charge - flows.discharge;
  const voltage = 50.5 + 3.2 * charge + power / 1_500;
  const capacity = BATTERY_CAPACITY / MS_AN_HOUR;
  return {
    ...{ voltage, power, current: power / voltage },
    stateOfCharge: percent(charge * 100 + shift("stateOfCharge")),
    discharged: energy(yard, "discharge"),
    charged: energy(yard, "charge"),
    missing: capacity - stored / MS_AN_HOUR,
    minutesLeft: power < 0 ? stored / -power / 60_000 : -1,
  };
}

export const batteryBlocks = (yard: Readonly<Yard>, shift: Shift): readonly Fields[] =>
  monitorBlocks(monitorView(yard, shift));

/** Dry air comes with a compressor that runs. */
export function fridgeState({ fridge }: Readonly<Yard>, shift: Shift): Uint8Array {
  const measured: Readonly<Record<string, number>> = {
    airTemperature: fridge.temperature + shift("airTemperature"),
    relativeHumidity: percent((fridge.isCooling ? 48 : 56) + shift("relativeHumidity")),
    "stateOfCharge.battery": 87,
  };
  return zigbeeState("zigbee2mqtt-climate", (target) => measured[target]);
}
