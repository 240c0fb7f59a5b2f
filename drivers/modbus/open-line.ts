import type { Connection } from "../driver.ts";
import { openSerialPort } from "../serial/port.ts";
import type { ModbusLine } from "./line.ts";
import { rtuLine } from "./rtu.ts";
import type { UnitLedger } from "./rtu-units.ts";
import { openSocketPort } from "./socket-port.ts";
import { openTcpLine } from "./tcp.ts";
import { udpLine } from "./udp.ts";

export type ModbusConnection = Extract<Connection, { readonly unit: number }>;

/** Behind a bridge the line's own rate is not known; this is the usual one, and only the silence before sending hangs on it. */
const BRIDGE_BAUD_RATE = 9_600;
/** Requests in a row without one byte before a bridge's connection is taken for dead. */
const SILENT_REQUESTS = 3;

/**
 * Opens the line of a connection, in the framing that the connection names. What was learnt of the units of an RTU line
 * may be handed on from one connection to the next. Throws BUS_CLOSED.
 */
export async function openLine(
  connection: ModbusConnection,
  timeoutMs: number,
  units?: UnitLedger,
): Promise<ModbusLine> {
  const learnt = units && { units };
  if (connection.kind === "modbus-rtu") {
    const { path, baudRate, parity, stopBits } = connection;
    const port = await openSerialPort({ path, baudRate, parity, stopBits });
    return rtuLine(port, { baudRate, timeoutMs, name: path, ...learnt });
  }
  const { host, port } = connection;
  const endpoint = { host, port, timeoutMs };
  switch (connection.kind) {
    case "modbus-tcp":
      return openTcpLine(endpoint);
    case "modbus-udp":
      return udpLine(endpoint);
    case "modbus-rtu-over-tcp": {
      const bridge = await openSocketPort(endpoint, SILENT_REQUESTS);
      return rtuLine(bridge, { baudRate: BRIDGE_BAUD_RATE, timeoutMs, name: `${host}:${port}`, ...learnt });
    }
  }
}

export const isModbus = (connection: Connection): connection is ModbusConnection => "unit" in connection;
