import type { Order, WordType } from "./modbus/words.ts";
import type { Scaling } from "./value.ts";

/** A device file, read and checked: everything that the drivers know about one model. */
export interface DeviceDefinition {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly maker: string;
  readonly model: string;
  /** The document or program that the numbers come from. */
  readonly source: string;
  readonly notes?: string;
  /** A source: its power is positive while it delivers. */
  readonly generator: boolean;
  /** The path of the file. */
  readonly file: string;
  readonly dialect: Dialect;
  readonly tests: readonly DeviceTest[];
}

export type Dialect = ModbusDialect | SunspecDialect | VedirectDialect | MqttDialect;

export type Table = "input" | "holding";

export interface ModbusDialect {
  readonly kind: "modbus";
  readonly table: Table;
  /** The most registers that the device answers in one reply, at most 125. */
  readonly maxRegisters: number;
  /** Registers without a point that one request may read over. */
  readonly maxGap: number;
  /** Silence that the device needs between two requests. */
  readonly minGapMs: number;
  readonly points: readonly ModbusPoint[];
}

export interface ModbusPoint extends Scaling {
  readonly table: Table;
  /** Wire address, 0-based. */
  readonly at: number;
  readonly as: WordType;
  readonly order: Order;
  /** Bit patterns that mean "no value". */
  readonly sentinels: readonly number[];
}

export interface SunspecDialect {
  readonly kind: "sunspec";
  readonly bases: readonly number[];
  readonly models: readonly SunspecModel[];
}

export interface SunspecModel {
  readonly ids: readonly number[];
  readonly points: readonly SunspecPoint[];
}

export interface SunspecPoint extends Scaling {
  /** Register within the model; its ID is register 0, its length register 1. */
  readonly at: number;
  readonly as: WordType;
  /** Register of the scale factor, a power of ten. */
  readonly sf?: number;
}

export interface VedirectDialect {
  readonly kind: "vedirect";
  readonly baudRate: number;
  readonly points: readonly VedirectPoint[];
}

export interface VedirectPoint extends Scaling {
  readonly field: string;
}

export interface MqttDialect {
  readonly kind: "mqtt";
  readonly messages: readonly MqttMessageRule[];
}

/** What one kind of message carries; the first rule whose topic fits is the one. */
export interface MqttMessageRule {
  /** The end of the topic: `+` is any level, `*` inside a level is a number. */
  readonly topic: string;
  readonly form: "json" | "text" | "senml" | "parts";
  /** What the number of `*` means: a part of the device, or a phase. */
  readonly index?: "part" | "phase";
  /** Form `parts`: where the object is whose every entry is a message of its own, under the topic `as` + its key. */
  readonly parts?: { readonly at: readonly string[]; readonly as: string };
  readonly points: readonly MqttPoint[];
}

export interface MqttPoint extends Scaling {
  /** JSON paths, or SenML names; the first that is there counts. */
  readonly from: readonly (readonly string[])[];
}

/** A case of the device file itself: bytes that came in, samples that they are. */
export interface DeviceTest {
  readonly origin: string;
  readonly input: DeviceTestInput;
  /** By target name, in the stored unit. A list where one message carries several values of one target. */
  readonly gives: Readonly<Record<string, number | readonly number[]>>;
  /** Codes of the problems that must be told; where absent, problems are not looked at. */
  readonly problems?: readonly string[];
}

export type DeviceTestInput =
  | { readonly kind: "registers"; readonly registers: Readonly<Record<string, string>> }
  | { readonly kind: "exchange"; readonly request: string; readonly frame: string }
  | { readonly kind: "bytes"; readonly hex: string }
  | { readonly kind: "message"; readonly topic: string; readonly payload: string };
