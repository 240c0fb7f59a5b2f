import { FieldwattError, type Mounting } from "../domain/model/index.ts";
import type { Transport } from "./transport.ts";
import { YARD_DEVICES, type YardDevice } from "./yard/plan.ts";
import { nameOf } from "./village/names.ts";
import { fittingOf, PATTERN, type Fitting } from "./village/pattern.ts";

/** What hangs where in a simulated village: a pure function of seed and size. */
export interface VillagePlan {
  readonly seed: number;
  readonly members: readonly PlannedMember[];
  readonly devices: readonly PlannedDevice[];
  /** The co-op's own; empty in a village without a yard. */
  readonly yard: readonly YardDevice[];
}

export interface PlannedMember {
  /** `household-01`. */
  readonly id: string;
  readonly name: string;
}

export interface PlannedDevice {
  readonly id: string;
  /** The id of a device file. */
  readonly device: DeviceFile;
  readonly member: string;
  readonly mounting: Mounting;
  /** As in a site file: how often it is read, or how often it speaks. */
  readonly interval: string;
  /** The household's index in the village, 0 for the first. */
  readonly household: number;
  readonly transport: Transport;
}

export type DeviceFile =
  | "eastron-sdm120"
  | "eastron-sdm630"
  | "peacefair-pzem-004t-v3"
  | "sunspec-inverter"
  | "zts-3000-tr-ws-n01"
  | "tasmota-energy"
  | "shelly-energy"
  | "fieldwatt-weather-station"
  | "victron-mppt";

export const HOUSEHOLDS_MAX = 200;

/** @throws FieldwattError OPTION_INVALID for other than 1 to 200 households */
export function planVillage({
  seed,
  households,
  yard = false,
}: {
  seed: number;
  households: number;
  yard?: boolean | undefined;
}): VillagePlan {
  if (!Number.isInteger(households) || households < 1 || households > HOUSEHOLDS_MAX) {
    throw new FieldwattError(
      "OPTION_INVALID",
      `A village has 1 to ${HOUSEHOLDS_MAX} households, not ${households}`,
    );
  }
  const indexes = Array.from({ length: households }, (_, index) => index);
  return {
    seed,
    members: indexes.map((index) => ({ id: householdId(index), name: nameOf(seed, index) })),
    devices: indexes.flatMap(devicesOf),
    yard: yard ? YARD_DEVICES : [],
  };
}

const householdId = (index: number): string => `household-${String(index + 1).padStart(2, "0")}`;

function devicesOf(index: number): PlannedDevice[] {
  const { grid, solar, weatherStation, soilProbe } = fittingOf(index);
  return [
    meter(index, grid),
    ...(solar ? [panels(index, solar)] : []),
    ...(weatherStation ? [station(index)] : []),
    ...(soilProbe ? [probe(index)] : []),
  ];
}

/** Twelve houses share a bus, so that a larger village has more buses and not slower ones. */
const group = (index: number): number => Math.floor(index / PATTERN.length) + 1;
const place = (index: number): number => index % PATTERN.length;

/** Unit numbers of a bus: the house's place in its group, its second device behind all the first ones. */
const rtu = (index: number, which: "first" | "second"): Transport => ({
  kind: "modbus-rtu",
  bus: `bus-${group(index)}`,
  baudRate: 9_600,
  unit: place(index) + 1 + (which === "first" ? 0 : PATTERN.length),
});

/** Two gateways a group: the first half of its houses on one, the other half on the other. */
function tcp(index: number): Transport {
  const half = place(index) < 6 ? "a" : "b";
  return { kind: "modbus-tcp", server: `meters-${group(index)}${half}`, unit: place(index) + 1 };
}

function device(
  index: number,
  part: string,
  rest: Pick<PlannedDevice, "device" | "mounting" | "interval" | "transport">,
): PlannedDevice {
  const member = householdId(index);
  return { id: `${member}-${part}`, member, household: index, ...rest };
}

const MQTT: Transport = { kind: "mqtt" };
const METER = { mounting: "grid", interval: "1 min" } as const;
const PANELS = { mounting: "solar", interval: "1 min" } as const;

function meter(index: number, grid: Fitting["grid"]): PlannedDevice {
  switch (grid) {
    case "sdm630":
      return device(index, "meter", { device: "eastron-sdm630", ...METER, transport: tcp(index) });
    case "sdm120":
      return device(index, "meter", { device: "eastron-sdm120", ...METER, transport: rtu(index, "first") });
    case "pzem":
      return device(index, "meter", {
        device: "peacefair-pzem-004t-v3",
        ...METER,
        transport: rtu(index, "first"),
      });
    case "tasmota":
      return device(index, "meter", { device: "tasmota-energy", ...METER, transport: MQTT });
    case "shelly":
      return device(index, "meter", { device: "shelly-energy", ...METER, transport: MQTT });
  }
}

function panels(index: number, solar: NonNullable<Fitting["solar"]>): PlannedDevice {
  switch (solar) {
    case "inverter": {
      const server = `inverter-${String(index + 1).padStart(2, "0")}`;
      return device(index, "inverter", {
        device: "sunspec-inverter",
        ...PANELS,
        transport: { kind: "modbus-tcp", server, unit: 1 },
      });
    }
    case "meter":
      return device(index, "solar", { device: "eastron-sdm120", ...PANELS, transport: rtu(index, "second") });
    case "controller": {
      const port = `charger-${String(index + 1).padStart(2, "0")}`;
      return device(index, "charger", {
        device: "victron-mppt",
        ...PANELS,
        transport: { kind: "serial", port, baudRate: 19_200 },
      });
    }
  }
}

const station = (index: number): PlannedDevice =>
  device(index, "weather", {
    device: "fieldwatt-weather-station",
    mounting: "weather",
    interval: "5 min",
    transport: MQTT,
  });

/** The field has a bus of its own, at the probe's rate from the works. */
const probe = (index: number): PlannedDevice =>
  device(index, "soil", {
    device: "zts-3000-tr-ws-n01",
    mounting: "soil",
    interval: "5 min",
    transport: { kind: "modbus-rtu", bus: `field-${group(index)}`, baudRate: 4_800, unit: 1 },
  });
