import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import {
  busOf,
  completeConnection,
  withOptions,
  type Definitions,
  type Connection,
  type DeviceDefinition,
} from "../../drivers/index.ts";
import type { SiteDevice, SiteFile } from "./schema.ts";
import { switchProblems, type SwitchProblem } from "./switches.ts";

/** A device of the site file with its device file, and the whole of its connection. */
export interface SitedDevice {
  readonly device: SiteDevice;
  readonly definition: DeviceDefinition;
  readonly connection: Connection;
}

/** What is wrong with one device in the light of its device file and of its bus. */
export interface DeviceProblem {
  /** Place in `devices`, and the key that is to be changed. */
  readonly index: number;
  readonly key: "device" | "connection" | "options";
  readonly message: string;
}

/** Every device that can be read, and every problem of those that cannot. */
export function siteDevices(
  { devices, flows }: Pick<SiteFile, "devices" | "flows">,
  catalogue: Definitions,
): {
  readonly devices: readonly SitedDevice[];
  readonly problems: readonly DeviceProblem[];
  readonly switches: readonly SwitchProblem[];
} {
  const sited: SitedDevice[] = [];
  const problems: DeviceProblem[] = [];
  const speakers = new Map<string, string>();
  devices.forEach((device, index) => {
    const found = sitedDevice(device, catalogue);
    if ("message" in found) return void problems.push({ ...found, index });
    const line = lineOf(found.connection);
    const other = line && speakers.get(line.bus);
    if (line && other !== undefined && other !== line.speaks) {
      const message = `another device says that ${line.bus} speaks ${other}, not ${line.speaks}`;
      return void problems.push({ index, key: "connection", message });
    }
    if (line) speakers.set(line.bus, line.speaks);
    sited.push(found);
  });
  return { devices: sited, problems, switches: switchProblems({ flows }, sited, speakers) };
}

function sitedDevice(device: SiteDevice, catalogue: Definitions): SitedDevice | Omit<DeviceProblem, "index"> {
  try {
    const definition = withOptions(catalogue.find(device.device), device.options);
    const { connection, problem } = completeConnection(definition, device.connection);
    if (connection) return { device, definition, connection };
    return { key: "connection", message: `${device.device} ${problem}` };
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return { key: error.code === "OPTION_INVALID" ? "options" : "device", message: messageOf(error) };
  }
}

/** What everything on one bus must agree about: its framing, and on a serial line the form of a byte. */
function lineOf(connection: Connection): { readonly bus: string; readonly speaks: string } | undefined {
  if (connection.kind === "mqtt" || connection.kind === "virtual") return undefined;
  const { kind } = connection;
  const bus = busOf(connection);
  if (kind !== "modbus-rtu") return { bus, speaks: kind };
  const { baudRate, parity, stopBits } = connection;
  return { bus, speaks: `${kind} at ${baudRate} baud, parity ${parity}, ${stopBits} stop bits` };
}
