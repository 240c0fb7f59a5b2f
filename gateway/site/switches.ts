import { busOf, completeSwitch, isNode, type DeviceDefinition } from "../../drivers/index.ts";
import type { ActuatorSettings } from "../flows/settings.ts";
import type { SiteFile } from "./schema.ts";

/** What is wrong with one switch in the light of the devices on its bus. */
export interface SwitchProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface Sited {
  readonly device: { readonly id: string };
  readonly definition: DeviceDefinition;
}

/** @param speakers what devices say that each bus speaks */
export function switchProblems(
  { flows }: Pick<SiteFile, "flows">,
  devices: readonly Sited[],
  speakers: ReadonlyMap<string, string>,
): SwitchProblem[] {
  return (flows?.actuators ?? []).flatMap(({ connection }, index) => {
    const message =
      connection.kind === "node" ? nodeProblem(connection.device, devices) : busProblem(connection, speakers);
    return message === undefined ? [] : [{ path: ["flows", "actuators", index, "connection"], message }];
  });
}

function nodeProblem(id: string, devices: readonly Sited[]): string | undefined {
  const found = devices.find(({ device }) => device.id === id);
  if (found && isNode(found.definition)) return undefined;
  return found ? `${id} is no node on the field link` : `there is no device ${id}`;
}

/** On a line that devices speak on, what is written of the line must be what they say; what is left out is theirs. */
function busProblem(
  connection: Exclude<ActuatorSettings["connection"], { kind: "node" }>,
  speakers: ReadonlyMap<string, string>,
): string | undefined {
  if (connection.kind === "mqtt") return undefined;
  const bus = busOf(completeSwitch(connection));
  const speaks = speakers.get(bus);
  if (speaks === undefined || (speaks.split(" ")[0] === connection.kind && isAsWritten(connection, speaks)))
    return undefined;
  return `devices say that ${bus} speaks ${speaks}`;
}

function isAsWritten(
  connection: Exclude<ActuatorSettings["connection"], { kind: "node" | "mqtt" }>,
  speaks: string,
): boolean {
  if (connection.kind !== "modbus-rtu") return true;
  const { baudRate, parity, stopBits } = connection;
  const said = [
    ...(baudRate === undefined ? [] : [` at ${baudRate} baud`]),
    ...(parity === undefined ? [] : [`parity ${parity}`]),
    ...(stopBits === undefined ? [] : [`${stopBits} stop bits`]),
  ];
  return said.every((one) => speaks.includes(one));
}
