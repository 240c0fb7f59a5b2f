import { int16, table, text, uint16, uint32, type RegisterTables } from "./registers.ts";

export interface InverterView {
  /** W, positive while the panels produce. */
  readonly power: number;
  /** Produced since it was new. */
  readonly energyWh: number;
  readonly voltage: number;
  readonly frequency: number;
  readonly powerFactor: number;
  readonly temperature: number;
}

export interface Nameplate {
  readonly maker: string;
  readonly model: string;
  readonly serial: string;
}

const BASE = 40_000;
/** Model 1 (common) with its padding, and model 103 (three phase inverter, integers and scale factors). */
const COMMON = { id: 1, length: 66 };
const INVERTER = { id: 103, length: 50 };
const END = 0xffff;
/** SunSpec Information Model Specification: what a device does not have. */
const NO_UINT16 = [0xffff];
const NO_INT16 = [0x8000];
/** Operating states of model 103: 2 sleeping, 4 tracking the power point. */
const SLEEPING = 2;
const TRACKING = 4;

/**
 * A SunSpec inverter, holding registers from 40000: "SunS", model 1, model 103, end. Offsets are those of
 * smdx_00001.xml and smdx_00103.xml; scale factors stand beside what they scale.
 */
export function sunspecInverter(view: InverterView, plate: Nameplate): RegisterTables {
  const common = BASE + 2;
  const inverter = common + 2 + COMMON.length;
  const end = inverter + 2 + INVERTER.length;
  const values: Record<number, readonly number[]> = {
    [BASE]: text("SunS", 2),
    [common]: [COMMON.id, COMMON.length],
    ...at(common + 2, commonBlock(plate)),
    [inverter]: [INVERTER.id, INVERTER.length],
    ...at(inverter + 2, inverterBlock(view)),
    [end]: [END, 0],
  };
  return { holding: table({ start: BASE, length: end + 2 - BASE }, values) };
}

type Block = Readonly<Record<number, readonly number[]>>;

const at = (start: number, block: Block): Block =>
  Object.fromEntries(Object.entries(block).map(([offset, words]) => [start + Number(offset), words]));

const commonBlock = ({ maker, model, serial }: Nameplate): Block => ({
  0: text(maker, 16),
  16: text(model, 16),
  40: text("1.0", 8),
  48: text(serial, 16),
  64: [1],
});

function inverterBlock({
  power,
  energyWh,
  voltage,
  frequency,
  powerFactor,
  temperature,
}: InverterView): Block {
  const apparent = power / powerFactor;
  const phaseCurrent = uint16((apparent / 3 / voltage) * 100);
  const panelVoltage = power > 0 ? 380 : 0;
  return {
    0: uint16((apparent / voltage) * 100),
    1: phaseCurrent,
    2: phaseCurrent,
    3: phaseCurrent,
    4: int16(-2),
    ...at(5, { 0: NO_UINT16, 1: NO_UINT16, 2: NO_UINT16 }),
    8: uint16(voltage * 10),
    9: uint16(voltage * 10),
    10: uint16(voltage * 10),
    11: int16(-1),
    12: int16(power),
    13: int16(0),
    14: uint16(frequency * 100),
    15: int16(-2),
    16: int16(apparent),
    17: int16(0),
    18: int16(Math.sqrt(Math.max(0, apparent ** 2 - power ** 2))),
    19: int16(0),
    20: int16(powerFactor * 100),
    21: int16(0),
    22: uint32(Math.floor(energyWh)),
    24: int16(0),
    25: uint16(panelVoltage ? (power / panelVoltage) * 100 : 0),
    26: int16(-2),
    27: uint16(panelVoltage * 10),
    28: int16(-1),
    29: int16(power * 1.03),
    30: int16(0),
    31: int16(temperature * 10),
    32: NO_INT16,
    33: NO_INT16,
    34: NO_INT16,
    35: int16(-1),
    36: uint16(power > 0 ? TRACKING : SLEEPING),
    37: NO_UINT16,
  };
}
