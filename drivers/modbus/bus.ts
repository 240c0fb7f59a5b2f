import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, instant, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import type { Connection, Decoded } from "../driver.ts";
import { openSerialPort } from "../serial/port.ts";
import { forgetDevice, readCycle, unitMemory, type TimedExchange, type UnitMemory } from "./cycle.ts";
import type { ModbusLine } from "./line.ts";
import { rtuLine } from "./rtu.ts";
import { openTcpLine } from "./tcp.ts";

export type ModbusConnection = Extract<Connection, { kind: "modbus-tcp" | "modbus-rtu" }>;

/** The part of a logger that a bus uses; a pino logger is one. */
export interface BusLog {
  warn(details: object, message: string): void;
}

export interface BusOptions {
  /** The time that samples are stamped with. */
  readonly now: () => Instant;
  readonly log?: BusLog;
  /** How long a device may take to answer one request; 1 s where absent. */
  readonly timeoutMs?: number;
}

/** One physical bus with its devices. Readings wait for each other: one request is on the wire at a time. */
export interface ModbusBus extends AsyncDisposable {
  /**
   * One whole reading cycle of one device. Every sample has the middle of its exchange as its time.
   * The connection is opened at the first reading and again at the next one after it broke.
   * Throws DEVICE_TIMEOUT, DEVICE_REFUSED, DEVICE_GARBLED, BUS_CLOSED, BUS_BUSY, or the reason of the signal.
   */
  read(definition: DeviceDefinition, unit: number, signal?: AbortSignal): Promise<Decoded>;
}

const DEFAULT_TIMEOUT_MS = 1_000;
/** Readings that may wait for one bus: the most devices of an RTU segment (Modbus over Serial Line 1.02, 2.2). */
const MAX_WAITING = 247;

/** A bus behind a connection; nothing is opened before the first reading. */
export function openModbusBus(connection: ModbusConnection, options: BusOptions): ModbusBus {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const memories = new Map<string, UnitMemory>();
  const closing = new AbortController();
  let line: ModbusLine | undefined;
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const lineNow = async (): Promise<ModbusLine> => {
    if (line?.usable()) return line;
    await line?.[Symbol.asyncDispose]();
    line = undefined;
    for (const memory of memories.values()) forgetDevice(memory);
    return (line = await openLine(connection, timeoutMs));
  };
  const cycle = async (definition: DeviceDefinition, unit: number, signal: AbortSignal): Promise<Decoded> => {
    signal.throwIfAborted();
    const open = await lineNow();
    const exchange = timedExchange(open, gapOf(definition), { now: options.now, signal });
    const key = `${definition.id} ${unit}`;
    const memory = memories.get(key) ?? unitMemory();
    memories.set(key, memory);
    try {
      return await readCycle(definition, unit, exchange, memory);
    } catch (error) {
      if (!open.usable()) options.log?.warn({ err: error }, "the bus is opened anew at the next reading");
      throw error;
    }
  };
  return {
    read(definition, unit, signal) {
      if (waiting >= MAX_WAITING)
        return Promise.reject(new FieldwattError("BUS_BUSY", `${waiting} readings wait already`));
      waiting += 1;
      const both = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
      const result = turn.then(() => cycle(definition, unit, both)).finally(() => (waiting -= 1));
      turn = result.catch(() => undefined);
      return result;
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new FieldwattError("BUS_CLOSED", "the bus was closed"));
      await turn;
      await line?.[Symbol.asyncDispose]();
    },
  };
}

async function openLine(connection: ModbusConnection, timeoutMs: number): Promise<ModbusLine> {
  if (connection.kind === "modbus-tcp")
    return openTcpLine({ host: connection.host, port: connection.port, timeoutMs });
  const { path, baudRate, parity, stopBits } = connection;
  return rtuLine(await openSerialPort({ path, baudRate, parity, stopBits }), { baudRate, timeoutMs });
}

const gapOf = ({ dialect }: DeviceDefinition): number => (dialect.kind === "modbus" ? dialect.minGapMs : 0);

/** An exchange that keeps the device's pause and says when its middle was. */
function timedExchange(
  line: ModbusLine,
  gapMs: number,
  { now, signal }: { readonly now: () => Instant; readonly signal: AbortSignal },
): TimedExchange {
  return async (request) => {
    if (gapMs > 0) await wait(gapMs);
    const before = now();
    const answer = await line.exchange(request, signal);
    return { answer, time: instant(Math.round((before + now()) / 2)) };
  };
}
