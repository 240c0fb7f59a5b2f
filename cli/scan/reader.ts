import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError } from "../../domain/model/index.ts";
import type { Table } from "../../drivers/index.ts";
import { openLine, type ModbusConnection } from "../../drivers/modbus/open-line.ts";
import type { ModbusLine } from "../../drivers/modbus/line.ts";

/**
 * Reads registers at a polite rate, and nothing else: a request here has a table, an address and a count, so that only
 * the Modbus functions 3 (holding) and 4 (input) can ever be sent.
 */
export interface PoliteReader extends AsyncDisposable {
  /** What the unit says. Throws BUS_CLOSED where the bus cannot be opened, or the reason of the signal. */
  read(request: {
    readonly unit: number;
    readonly table: Table;
    readonly at: number;
    readonly count: number;
  }): Promise<Said>;
}

export type Said =
  | { readonly kind: "words"; readonly words: readonly number[] }
  | { readonly kind: "exception"; readonly code: number }
  /** No answer, or damage only. */
  | { readonly kind: "silence"; readonly garbled: boolean };

export interface ReaderOptions {
  readonly timeoutMs: number;
  /** The most requests a second. */
  readonly rate: number;
  readonly signal: AbortSignal;
}

export function openPoliteReader(
  connection: ModbusConnection,
  { timeoutMs, rate, signal }: ReaderOptions,
): PoliteReader {
  let line: ModbusLine | undefined;
  let nextAt = 0;
  const lineNow = async (): Promise<ModbusLine> => {
    if (line?.usable()) return line;
    await line?.[Symbol.asyncDispose]();
    return (line = await openLine(connection, timeoutMs));
  };
  return {
    async read(request) {
      await wait(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(() =>
        signal.throwIfAborted(),
      );
      nextAt = performance.now() + 1_000 / rate;
      const open = await lineNow();
      try {
        return await open.exchange(request, { timeoutMs, signal });
      } catch (error) {
        signal.throwIfAborted();
        // A gateway that closes the connection is one that has no such unit.
        if (error instanceof FieldwattError)
          return { kind: "silence", garbled: error.code === "DEVICE_GARBLED" };
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      await line?.[Symbol.asyncDispose]();
    },
  };
}
