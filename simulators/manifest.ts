import type { Mounting } from "../domain/model/index.ts";
import type { PlannedDevice, PlannedMember, VillagePlan } from "./plan.ts";
import { PUMP_COIL, YARD_SWITCH_PLANS, type YardDevice } from "./yard/plan.ts";
import { HOST } from "./ports.ts";
import { PLACE } from "./village/place.ts";

/** Where the devices of a simulated village are, in the words of a site file. */
export interface Manifest {
  readonly place: typeof PLACE;
  readonly members: readonly PlannedMember[];
  readonly devices: readonly ManifestDevice[];
  /** What can be switched, in the words of `flows: actuators:`. */
  readonly switches: readonly ManifestSwitch[];
}

export interface ManifestDevice {
  readonly id: string;
  readonly device: string;
  /** Absent for what is the co-op's. */
  readonly member?: string;
  readonly mounting: Mounting;
  readonly interval: string;
  readonly connection: ManifestConnection;
}

export type ManifestConnection =
  | { readonly kind: "modbus-tcp"; readonly host: string; readonly port: number; readonly unit: number }
  | { readonly kind: "modbus-rtu"; readonly path: string; readonly baudRate: number; readonly unit: number }
  | { readonly kind: "serial"; readonly path: string; readonly baudRate: number }
  | { readonly kind: "mqtt"; readonly topic: string };

export interface ManifestSwitch {
  readonly id: string;
  readonly name: string;
  readonly connection:
    | {
        readonly kind: "modbus-tcp";
        readonly host: string;
        readonly port: number;
        readonly unit: number;
        readonly coil: number;
      }
    | { readonly kind: "mqtt"; readonly topic: string; readonly on: string; readonly off: string };
}

/** What the system chose: TCP ports by server, paths by bus or serial port. */
export interface Wires {
  readonly ports: ReadonlyMap<string, number>;
  readonly paths: ReadonlyMap<string, string>;
}

/** The device's topic space on the village broker. */
export const topicOf = (id: string): string => `devices/${id}`;

export const manifestOf = ({ members, devices, yard }: VillagePlan, wires: Wires): Manifest => ({
  place: PLACE,
  members,
  devices: [
    ...devices.map((planned) => ({
      id: planned.id,
      device: planned.device,
      member: planned.member,
      mounting: planned.mounting,
      interval: planned.interval,
      connection: connectionOf(planned, wires),
    })),
    ...yard.flatMap((one) =>
      one.measures ? [{ id: one.id, ...one.measures, connection: connectionOf(one, wires) }] : [],
    ),
  ],
  switches: YARD_SWITCH_PLANS.flatMap(({ id, name, device }) => {
    const found = yard.find((one) => one.id === device);
    return found ? [{ id, name, connection: switchOf(connectionOf(found, wires)) }] : [];
  }),
});

/** @throws RangeError where nothing can be switched over that wire */
function switchOf(connection: ManifestConnection): ManifestSwitch["connection"] {
  if (connection.kind === "modbus-tcp") return { ...connection, coil: PUMP_COIL };
  if (connection.kind === "mqtt")
    return { kind: "mqtt", topic: `${connection.topic}/cmnd/POWER`, on: "ON", off: "OFF" };
  throw new RangeError(`Nothing is switched over ${connection.kind}`);
}

function connectionOf(
  { id, transport }: Pick<PlannedDevice | YardDevice, "id" | "transport">,
  { ports, paths }: Wires,
): ManifestConnection {
  switch (transport.kind) {
    case "modbus-tcp":
      return { kind: "modbus-tcp", host: HOST, port: found(ports, transport.server), unit: transport.unit };
    case "modbus-rtu": {
      const { baudRate, unit } = transport;
      return { kind: "modbus-rtu", path: found(paths, transport.bus), baudRate, unit };
    }
    case "serial":
      return { kind: "serial", path: found(paths, transport.port), baudRate: transport.baudRate };
    case "mqtt":
      return { kind: "mqtt", topic: topicOf(id) };
  }
}

function found<Value>(wires: ReadonlyMap<string, Value>, name: string): Value {
  const wire = wires.get(name);
  if (wire === undefined) throw new RangeError(`${name} was not opened`);
  return wire;
}
