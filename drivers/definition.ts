import type { NodeDialect } from "./field-link/dialect.ts";
import type { Limit } from "./limits.ts";
import type { LorawanDialect } from "./lorawan/dialect.ts";
import type { ModbusDialect, SunspecDialect } from "./modbus/dialect.ts";
import type { MqttDialect } from "./mqtt/dialect.ts";
import type { TelegramDialect } from "./telegram/dialect.ts";
import type { Scaling } from "./value.ts";

export type * from "./field-link/dialect.ts";
export type * from "./lorawan/dialect.ts";
export type * from "./modbus/dialect.ts";
export type * from "./mqtt/dialect.ts";
export type * from "./telegram/dialect.ts";

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
  /** What values can be true and how they can follow each other. */
  readonly limits: readonly Limit[];
  readonly tests: readonly DeviceTest[];
}

export type Dialect =
  | ModbusDialect
  | SunspecDialect
  | VedirectDialect
  | TelegramDialect
  | MqttDialect
  | LorawanDialect
  | NodeDialect;

export interface VedirectDialect {
  readonly kind: "vedirect";
  readonly baudRate: number;
  readonly points: readonly VedirectPoint[];
}

export interface VedirectPoint extends Scaling {
  readonly field: string;
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
  | { readonly kind: "bytes"; readonly hex: string; readonly port?: number }
  | { readonly kind: "message"; readonly topic: string; readonly payload: string | Uint8Array };
