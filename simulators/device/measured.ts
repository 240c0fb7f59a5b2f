import type { RegisterTables } from "../modbus/registers.ts";

/** What a target measures at this moment, in its stored unit; undefined where the device has no such value. */
export type Measure = (target: string) => number | undefined;

export interface Measured {
  readonly registers: RegisterTables;
  /** By target, in stored units: what a faithful reader must find in the registers. */
  readonly values: ReadonlyMap<string, number>;
}
