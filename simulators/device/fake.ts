import type { ModbusUnit } from "../modbus/slave.ts";
import type { UnitFaults } from "../modbus/wire-faults.ts";
import type { Measured } from "./measured.ts";
import { plainRegisters } from "./registers.ts";
import { openScene } from "./scene.ts";
import { data, testValues, type Sheet } from "./sheet.ts";
import { sunspecRegisters } from "./sunspec.ts";

/** A fake of a Modbus device, made from its device file. */
export interface FakeDevice {
  readonly sheet: Sheet;
  /** Its registers now, and by target what a faithful reader must find in them, in stored units. */
  at(seconds: number): Measured;
}

export interface FakeOptions {
  readonly seed: number;
  /** `tests`: what the file's tests give stands still, the rest walks. `walk`: all of it walks. */
  readonly values: "walk" | "tests";
  /** Values that stand still, by target (`voltage.L1`), in stored units. */
  readonly set?: Readonly<Record<string, number>>;
}

/** True for what can be faked in registers. */
export const hasRegisters = ({ data: file }: Sheet): boolean => "modbus" in file || "sunspec" in file;

/** @param sheet one that has registers */
export function openFake(sheet: Sheet, { seed, values, set = {} }: FakeOptions): FakeDevice {
  const scene = openScene(seed);
  const still = new Map([...(values === "tests" ? testValues(sheet) : []), ...Object.entries(set)]);
  const encode = "sunspec" in sheet.data ? sunspecRegisters : plainRegisters;
  return {
    sheet,
    at: (seconds) => encode(sheet, (target) => still.get(target) ?? scene(target, seconds)),
  };
}

/** The fake as one unit of a bus. `seconds` is the time since it was switched on. */
export function unitOf(fake: FakeDevice, seconds: () => number, faults?: UnitFaults): ModbusUnit {
  const { maxRegisters } = data(fake.sheet.data.modbus);
  return {
    registers: () => fake.at(seconds()).registers,
    ...(typeof maxRegisters === "number" && { registersMax: maxRegisters }),
    ...(faults && { faults }),
  };
}
