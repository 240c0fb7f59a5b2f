import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "../domain/model/index.ts";
import type { ModbusUnit } from "./modbus/slave.ts";
import { openModbusTcp, type ModbusTcpServer } from "./modbus/tcp.ts";

/**
 * The TCP ports of the servers, chosen by the system once and tried first ever after, so that a site file stays true
 * over restarts.
 */
export interface PortBook {
  open(server: string, units: ReadonlyMap<number, ModbusUnit>): Promise<ModbusTcpServer>;
}

export const HOST = "127.0.0.1";

export function openPortBook(dataDir: string): PortBook {
  const file = join(dataDir, "ports.json");
  const ports = readPorts(file);
  return {
    async open(name, units) {
      const server = await openOn(ports[name] ?? 0, units);
      ports[name] = server.port;
      writeFileSync(`${file}.new`, JSON.stringify(ports));
      renameSync(`${file}.new`, file);
      return server;
    },
  };
}

async function openOn(port: number, units: ReadonlyMap<number, ModbusUnit>): Promise<ModbusTcpServer> {
  try {
    return await openModbusTcp({ host: HOST, port, units });
  } catch (error) {
    // Somebody else has the earlier port now: any other will do.
    if (port === 0 || !hasCode(error, "PORT_BUSY")) throw error;
    return openModbusTcp({ host: HOST, port: 0, units });
  }
}

/** A file that is missing or damaged costs new ports and nothing else. */
function readPorts(file: string): Record<string, number> {
  try {
    const found: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof found !== "object" || found === null) return {};
    const isPort = (entry: [string, unknown]): entry is [string, number] => Number.isInteger(entry[1]);
    return Object.fromEntries(Object.entries(found).filter(isPort));
  } catch {
    return {};
  }
}
