import type { Shift } from "../faults.ts";
import { float32, table, uint16, uint32LowFirst, type RegisterTables } from "./registers.ts";

/** What a meter sees at its terminals. Power and energy towards the house count as import. */
export interface MeterView {
  /** W; positive while power flows to the house. */
  readonly power: number;
  readonly importWh: number;
  readonly exportWh: number;
  readonly voltage: number;
  readonly frequency: number;
  readonly powerFactor: number;
}

/** What a meter tells that is off; what it has counted stays. */
export const shifted = (view: MeterView, shift: Shift): MeterView => ({
  ...view,
  power: view.power + shift("activePower"),
  voltage: view.voltage + shift("voltage"),
  frequency: view.frequency + shift("frequency"),
});

const WH_A_KWH = 1_000;

/** Current is never signed on these meters. */
const current = ({ power, voltage, powerFactor }: MeterView): number =>
  Math.abs(power) / (voltage * powerFactor);
const apparent = ({ power, powerFactor }: MeterView): number => Math.abs(power) / powerFactor;
const reactive = (view: MeterView): number => Math.sqrt(Math.max(0, apparent(view) ** 2 - view.power ** 2));

/**
 * Eastron SDM120-Modbus, protocol sheet, input registers: 30001 voltage … 30343 total active energy, each a float32
 * at its wire address. Registers between them read as zero.
 */
export function sdm120(view: MeterView): RegisterTables {
  const values = {
    0x0000: float32(view.voltage),
    0x0006: float32(current(view)),
    0x000c: float32(view.power),
    0x0012: float32(apparent(view)),
    0x0018: float32(reactive(view)),
    0x001e: float32(view.powerFactor),
    0x0046: float32(view.frequency),
    0x0048: float32(view.importWh / WH_A_KWH),
    0x004a: float32(view.exportWh / WH_A_KWH),
    0x0156: float32((view.importWh + view.exportWh) / WH_A_KWH),
  };
  return { input: table({ start: 0, length: 0x0158 }, values) };
}

/** The share of the house's power on each of three phases; sixteenths, which binary fractions hold exactly. */
const PHASES = [0.4375, 0.3125, 0.25] as const;

/** Eastron SDM630-Modbus V2, protocol sheet, input registers: phases first, then the sums. */
export function sdm630(view: MeterView): RegisterTables {
  const values: Record<number, readonly number[]> = {
    0x002a: float32(view.voltage),
    0x0030: float32(current(view)),
    0x0034: float32(view.power),
    0x0038: float32(apparent(view)),
    0x003c: float32(reactive(view)),
    0x003e: float32(view.powerFactor),
    0x0046: float32(view.frequency),
    0x0048: float32(view.importWh / WH_A_KWH),
    0x004a: float32(view.exportWh / WH_A_KWH),
    0x0156: float32((view.importWh + view.exportWh) / WH_A_KWH),
  };
  PHASES.forEach((share, phase) => {
    const of = { ...view, power: view.power * share, voltage: view.voltage + (phase - 1) * 0.4 };
    values[0x0000 + phase * 2] = float32(of.voltage);
    values[0x0006 + phase * 2] = float32(current(of));
    values[0x000c + phase * 2] = float32(of.power);
    values[0x0012 + phase * 2] = float32(apparent(of));
    values[0x0018 + phase * 2] = float32(reactive(of));
    values[0x001e + phase * 2] = float32(of.powerFactor);
  });
  return { input: table({ start: 0, length: 0x0158 }, values) };
}

/** The counter of a PZEM-004T starts again after 9999.99 kWh. */
const PZEM_MODULUS_WH = 10_000_000;

/** Peacefair PZEM-004T v3, data sheet, input registers 0 to 9: 32-bit values come with the low word first. */
export function pzem004t(view: MeterView): RegisterTables {
  const values = {
    0: uint16(view.voltage * 10),
    1: uint32LowFirst(current(view) * 1_000),
    3: uint32LowFirst(Math.abs(view.power) * 10),
    5: uint32LowFirst(Math.floor(view.importWh) % PZEM_MODULUS_WH),
    7: uint16(view.frequency * 10),
    8: uint16(view.powerFactor * 100),
    9: uint16(0),
  };
  return { input: table({ start: 0, length: 10 }, values) };
}
