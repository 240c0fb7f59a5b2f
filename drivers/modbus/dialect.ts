import type { Counter, ValidRange } from "../limits.ts";
import type { Scaling } from "../value.ts";
import type { Order, WordType } from "./words.ts";

/** What a checked device file says of a device with Modbus registers. */
export type Table = "input" | "holding";

/** What the device asks of the wire. */
export interface WireNeeds {
  /** The most registers that the device answers in one reply, at most 125. */
  readonly maxRegisters: number;
  /** Silence that the device needs between two requests. */
  readonly minGapMs: number;
  /** Rest that it needs after a connection was made. */
  readonly connectDelayMs: number;
  /** How long one answer may take; the bus's own default where absent. */
  readonly timeoutMs?: number;
  /** Unit, serial line and framings as it leaves the works: defaults for people and scans. */
  readonly unit?: number;
  readonly serial?: SerialDefaults;
  readonly framing?: readonly ("tcp" | "rtu" | "rtu-over-tcp" | "udp")[];
}

export interface SerialDefaults {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

/** First and last address of a span. */
export type AddressRange = readonly [number, number];

export interface ModbusDialect extends WireNeeds {
  readonly kind: "modbus";
  readonly table: Table;
  /** Functions 3 and 4 read the same registers: a dump may have them in either table. */
  readonly sameTables?: boolean;
  /** Registers without a point that one request may read over. */
  readonly maxGap: number;
  /** Addresses that no request may touch. */
  readonly forbidden: readonly AddressRange[];
  /** What a site file may choose, and what it means. */
  readonly options: Readonly<Record<string, string>>;
  readonly points: readonly ModbusPoint[];
}

/** One number in registers. */
export interface RegisterNumber {
  readonly table: Table;
  /** Wire address of the first register, 0-based. */
  readonly at: number;
  readonly as: WordType;
  readonly order: Order;
}

/** A register that a point depends on, by the name that its file gives it. */
export interface HelperRegister extends RegisterNumber {
  readonly name: string;
  readonly scale: number;
}

export interface ModbusPoint extends Scaling, RegisterNumber {
  /** Where each word stands, highest first, if they are no neighbours; `at` is the lowest of them. */
  readonly parts?: readonly number[];
  /** Added after the scale, in `unit`. */
  readonly offset?: number;
  /** Bit patterns that mean "no value". */
  readonly sentinels: readonly (number | string)[];
  readonly power10?: HelperRegister;
  readonly times?: readonly HelperRegister[];
  readonly when?: readonly Variant[];
  readonly valid?: ValidRange;
  readonly counter?: Counter;
  readonly atomic?: string;
  readonly notMeasured?: boolean;
}

/** Another layout of a point: while a register says so, or because the site chose the option. */
export interface Variant {
  readonly register?: HelperRegister;
  readonly is?: readonly number[];
  readonly min?: number;
  readonly max?: number;
  readonly option?: string;
  readonly change: Partial<Pick<ModbusPoint, "at" | "as" | "order" | "scale" | "offset" | "valid">>;
}

export interface SunspecDialect extends WireNeeds {
  readonly kind: "sunspec";
  readonly bases: readonly number[];
  readonly models: readonly SunspecModel[];
}

export interface SunspecModel {
  readonly ids: readonly number[];
  /** Only the edition of the model with this length. */
  readonly length?: number;
  readonly points: readonly SunspecPoint[];
  readonly repeat?: SunspecRepeat;
}

/** Blocks at the end of a model, one after the other. */
export interface SunspecRepeat {
  /** Register of the first block's first register within the model. */
  readonly at: number;
  /** Registers of a block. */
  readonly every: number;
  /** `at` counts within the block; `n` in the channel is the block's number, from 1. */
  readonly points: readonly SunspecPoint[];
}

export interface SunspecPoint extends Scaling {
  /** Register within the model; its ID is register 0, its length register 1. */
  readonly at: number;
  readonly as: WordType;
  /** Register of the scale factor, a power of ten. */
  readonly sf?: number;
}
