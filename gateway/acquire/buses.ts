import { realpathSync } from "node:fs";
import type { Instant } from "../../domain/model/index.ts";
import { busOf, openModbusBus, type ModbusBus, type ModbusConnection } from "../../drivers/index.ts";

/**
 * Every physical Modbus bus of the site once, whoever speaks on it: polled devices and switches take turns. A serial port
 * has one owner, and many inverters have room for one client.
 */
export interface Buses extends AsyncDisposable {
  /** The bus behind a connection. Whoever was first has said how its line is set. */
  of(connection: ModbusConnection): ModbusBus;
}

export function openBuses(options: { readonly now: () => Instant }): Buses {
  const buses = new Map<string, ModbusBus>();
  return {
    of(connection) {
      const name = busOf(connection, realPath);
      const bus = buses.get(name) ?? openModbusBus(connection, options);
      buses.set(name, bus);
      return bus;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...buses.values()].map((bus) => bus[Symbol.asyncDispose]()));
    },
  };
}

/** What a path leads to; the path itself while nothing is there. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
