import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import jsmodbus from "jsmodbus";
import modbusSerial from "modbus-serial";
import { SerialPort } from "serialport";
import { instant } from "../../domain/model/index.ts";
import { openModbusBus, type DeviceDefinition, type ModbusConnection } from "../../drivers/index.ts";
import { planBlocks } from "../../drivers/modbus/plan.ts";
import { end } from "./gateway.ts";

/** One RTU line: units 1 to `units`, of which some never answer. */
export interface LineWanted {
  readonly units: number;
  readonly dead: readonly number[];
  readonly baudRate: number;
}
export interface ServersWanted {
  /** Modbus TCP servers, each with unit 1. */
  readonly tcp: number;
  readonly lines: readonly LineWanted[];
}
export interface Servers {
  readonly ports: readonly number[];
  readonly paths: readonly string[];
}

const program = new URL("./modbus-servers.ts", import.meta.url).pathname;

/** Starts the devices in a process of their own. */
export async function startServers(wanted: ServersWanted): Promise<Servers & AsyncDisposable> {
  const child = fork(program, [JSON.stringify(wanted)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [servers] = (await once(child, "message")) as [Servers];
  return { ...servers, [Symbol.asyncDispose]: () => end(child) };
}

/** What was read in the measured time. */
export interface Polled {
  /** Whole cycles of a device. */
  polls: number;
  /** Registers of points, decoded or not; what is read over is not counted. */
  registers: number;
}

/** Reads every device over and over, all connections at once, each its units in turn, until the time is over. */
export type Client = (
  connections: readonly ModbusConnection[],
  work: { readonly definition: DeviceDefinition; readonly units: number; readonly ms: number },
) => Promise<Polled>;

/** Ours: the driver as the gateway uses it, decoded to samples. */
export const pollWithDriver: Client = async (connections, { definition, units, ms }) => {
  const polled: Polled = { polls: 0, registers: 0 };
  const until = performance.now() + ms;
  const registers = pointsOf(definition).reduce((sum, { count }) => sum + count, 0);
  await Promise.all(
    connections.map(async (connection) => {
      await using bus = openModbusBus(connection, { now: () => instant(0) });
      for (let turn = 0; performance.now() < until; turn++) {
        const { samples } = await bus.read(definition, 1 + (turn % units));
        if (samples.length !== pointsOf(definition).length) throw new Error("a point is missing");
        polled.polls += 1;
        polled.registers += registers;
      }
    }),
  );
  return polled;
};

/** Plain modbus-serial, as its README has it: one call a point, one after another. */
export const pollWithModbusSerial: Client = async (connections, { definition, units, ms }) => {
  const polled: Polled = { polls: 0, registers: 0 };
  const until = performance.now() + ms;
  await Promise.all(
    connections.map(async (connection) => {
      const client = new modbusSerial.default();
      if (connection.kind === "modbus-rtu")
        await client.connectRTUBuffered(connection.path, { baudRate: connection.baudRate });
      else if (connection.kind === "modbus-tcp")
        await client.connectTCP(connection.host, { port: connection.port });
      client.setTimeout(1_000);
      for (let turn = 0; performance.now() < until; turn++) {
        client.setID(1 + (turn % units));
        for (const { at, count } of pointsOf(definition)) {
          const { data } = await client.readInputRegisters(at, count);
          polled.registers += data.length;
        }
        polled.polls += 1;
      }
      await new Promise<void>((resolve) => client.close(() => resolve()));
    }),
  );
  return polled;
};

/** Plain jsmodbus, as its README has it: one call a point, one after another; it has one client for each unit. */
export const pollWithJsmodbus: Client = async (connections, { definition, units, ms }) => {
  if (units !== 1) throw new Error("jsmodbus is measured with one unit behind each connection");
  const polled: Polled = { polls: 0, registers: 0 };
  const until = performance.now() + ms;
  await Promise.all(
    connections.map(async (connection) => {
      await using peer = await openJsmodbus(connection);
      while (performance.now() < until) {
        for (const { at, count } of pointsOf(definition)) {
          const { response } = await peer.client.readInputRegisters(at, count);
          polled.registers += response.body.valuesAsArray.length;
        }
        polled.polls += 1;
      }
    }),
  );
  return polled;
};

const JSMODBUS_TIMEOUT_MS = 1_000;

/** Its client must be there before the wire is open: it counts itself as online by that event. */
async function openJsmodbus(connection: ModbusConnection) {
  if (connection.kind === "modbus-rtu") {
    const { path, baudRate, unit } = connection;
    const port = new SerialPort({ path, baudRate });
    const client = new jsmodbus.client.RTU(port, unit, JSMODBUS_TIMEOUT_MS);
    await once(port, "open");
    const close = () => new Promise<void>((resolve) => port.close(() => resolve()));
    return { client, [Symbol.asyncDispose]: close };
  }
  if (connection.kind !== "modbus-tcp") throw new Error(`${connection.kind} is not measured`);
  const socket = connect(connection.port, connection.host);
  const client = new jsmodbus.client.TCP(socket, connection.unit, JSMODBUS_TIMEOUT_MS);
  await once(socket, "connect");
  return { client, [Symbol.asyncDispose]: () => Promise.resolve(void socket.destroy()) };
}

interface Place {
  readonly at: number;
  readonly count: number;
}
const places = new WeakMap<DeviceDefinition, readonly Place[]>();

/** Where each point of a device stands: the map that both clients read. */
function pointsOf(definition: DeviceDefinition): readonly Place[] {
  const known = places.get(definition);
  if (known) return known;
  if (definition.dialect.kind !== "modbus") throw new Error(`${definition.id} has no register map`);
  const found = planBlocks({ ...definition.dialect, maxRegisters: 2, maxGap: 0 });
  places.set(definition, found);
  return found;
}
