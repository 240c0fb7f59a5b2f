import type { DeviceDefinition } from "./definition.ts";
import type { Connection } from "./driver.ts";
import type { WireNeeds } from "./modbus/dialect.ts";
import type { ModbusConnection } from "./modbus/open-line.ts";

/**
 * A connection as a person writes it: unit, rate, parity and stop bits may be left out where the device file knows how
 * the device leaves the works. (Modbus RTU has eight data bits: Modbus over Serial Line 1.02, 2.5.1.)
 */
type LeftOut = "unit" | "baudRate" | "parity" | "stopBits";
type Partly<One> = Omit<One, LeftOut> & {
  readonly [Key in Extract<keyof One, LeftOut>]?: One[Key] | undefined;
};
type Whole<One> = One extends { kind: `modbus-${string}` } ? Partly<One> : One;
export type WrittenConnection = Connection extends infer One
  ? One extends Connection
    ? Whole<One>
    : never
  : never;

export type Completed =
  | { readonly connection: Connection; readonly problem?: never }
  /** Why the device cannot be read over this connection, to follow its name. */
  | { readonly problem: string; readonly connection?: never };

/** What a device file leaves open is as most devices leave the works. */
const USUAL = { baudRate: 9_600, parity: "none", stopBits: 1 } as const;
/** Datagrams are of the few devices whose file names them. */
const USUAL_FRAMING: NonNullable<WireNeeds["framing"]> = ["tcp", "rtu", "rtu-over-tcp"];
/** Devices on Modbus TCP are unit 1 where nobody says otherwise; GoodWe's datagrams go to 247. */
const USUAL_UNIT: Partial<Record<Connection["kind"], number>> = { "modbus-tcp": 1, "modbus-udp": 247 };

/** The connection with what its device file says of the wire, or why the device does not speak over it. */
export function completeConnection(definition: DeviceDefinition, written: WrittenConnection): Completed {
  const { dialect } = definition;
  const speaks = KINDS[dialect.kind];
  if (!speaks.includes(written.kind))
    return { problem: over(written.kind, `speaks over ${speaks.join(", ")}`) };
  if (written.kind === "serial" || written.kind === "mqtt" || written.kind === "virtual")
    return { connection: written };
  const needs: Partial<WireNeeds> = dialect.kind === "modbus" || dialect.kind === "sunspec" ? dialect : {};
  const { framing = USUAL_FRAMING, unit: factory } = needs;
  if (!CARRIES[written.kind].some((one) => framing.includes(one)))
    return { problem: over(written.kind, `has the framing ${framing.join(", ")} (${definition.file})`) };
  const unit = written.unit ?? factory ?? USUAL_UNIT[written.kind];
  if (unit === undefined)
    return { problem: "does not say its unit, and its device file knows none: write unit:" };
  if (written.kind !== "modbus-rtu") return { connection: { ...written, unit } };
  const { baudRate, parity, stopBits } = { ...USUAL, ...needs.serial };
  return {
    connection: {
      ...written,
      unit,
      baudRate: written.baudRate ?? baudRate,
      parity: written.parity ?? parity,
      stopBits: written.stopBits ?? stopBits,
    },
  };
}

/** The same of a switch, of which no device file is known. */
export function completeSwitch(
  written: Extract<WrittenConnection, { kind: `modbus-${string}` }>,
): ModbusConnection {
  const unit = written.unit ?? 1;
  if (written.kind !== "modbus-rtu") return { ...written, unit };
  const { baudRate, parity, stopBits } = USUAL;
  return {
    ...written,
    unit,
    baudRate: written.baudRate ?? baudRate,
    parity: written.parity ?? parity,
    stopBits: written.stopBits ?? stopBits,
  };
}

const over = (kind: Connection["kind"], does: string): string =>
  `does not speak over a connection of kind ${kind}: it ${does}`;

const MODBUS = ["modbus-tcp", "modbus-rtu-over-tcp", "modbus-udp", "modbus-rtu"] as const;
const KINDS: Readonly<Record<DeviceDefinition["dialect"]["kind"], readonly Connection["kind"][]>> = {
  modbus: MODBUS,
  sunspec: MODBUS,
  vedirect: ["serial"],
  telegram: ["serial"],
  mqtt: ["mqtt", "virtual"],
  lorawan: ["mqtt"],
  node: ["serial"],
};

/** The framings of a device that a connection brings through: a gateway makes TCP of RTU, a plain bridge passes RTU on. */
const CARRIES = {
  "modbus-tcp": ["tcp", "rtu"],
  "modbus-rtu-over-tcp": ["rtu-over-tcp", "rtu"],
  "modbus-udp": ["udp"],
  "modbus-rtu": ["rtu"],
} as const satisfies Record<string, NonNullable<WireNeeds["framing"]>>;
