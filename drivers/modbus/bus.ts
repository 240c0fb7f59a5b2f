import { FieldwattError, hasCode, instant, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import type { Decoded } from "../driver.ts";
import {
  forgetDevice,
  probeUnit,
  readCycle,
  unitMemory,
  type TimedExchange,
  type UnitMemory,
} from "./cycle.ts";
import type { ExchangeOptions, ModbusLine } from "./line.ts";
import { exceptionText, type CoilWrite } from "./pdu.ts";
import { openLine, type ModbusConnection } from "./open-line.ts";
import { unitLedger } from "./rtu-units.ts";

export { isModbus, type ModbusConnection } from "./open-line.ts";

export interface BusOptions {
  /** The time that samples are stamped with. */
  readonly now: () => Instant;
  /** How long a device may take to answer one request where its device file does not say; 1 s where absent. */
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
  /**
   * Asks whether a unit answers again, with one read of a few registers; an exception is an answer too. Throws as `read`.
   */
  probe(definition: DeviceDefinition, unit: number, signal?: AbortSignal): Promise<void>;
  /**
   * Switches a coil, behind the reading cycle that is on the wire now; resolves when the device has repeated the request.
   * Throws as `read`; DEVICE_REFUSED where the device answers with an exception.
   */
  write(coil: CoilWrite, signal?: AbortSignal): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 1_000;
/** Readings that may wait for one bus: the most devices of an RTU segment (Modbus over Serial Line 1.02, 2.2). */
const MAX_WAITING = 247;

/** What a device needs of its wire, by its device file. */
interface WireNeeds {
  /** Silence before each request. */
  readonly gapMs: number;
  /** Rest between a new connection and the first request. */
  readonly connectDelayMs: number;
  readonly timeoutMs: number;
}

function needsOf({ dialect }: DeviceDefinition, timeoutMs: number): WireNeeds {
  if (dialect.kind !== "modbus" && dialect.kind !== "sunspec")
    return { gapMs: 0, connectDelayMs: 0, timeoutMs };
  const { minGapMs: gapMs, connectDelayMs } = dialect;
  return { gapMs, connectDelayMs, timeoutMs: dialect.timeoutMs ?? timeoutMs };
}

/** Of a relay no device file is known. */
const NO_NEEDS = { gapMs: 0, connectDelayMs: 0 };

/** A bus behind a connection; nothing is opened before the first reading. */
export function openModbusBus(connection: ModbusConnection, options: BusOptions): ModbusBus {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const memories = new Map<string, UnitMemory>();
  const closing = new AbortController();
  const turns = openTurns(closing.signal);
  const held = holdLine(connection, timeoutMs);

  const memoryOf = (definition: DeviceDefinition, unit: number): UnitMemory => {
    const key = `${definition.id} ${unit}`;
    const memory = memories.get(key) ?? unitMemory();
    memories.set(key, memory);
    return memory;
  };
  const inTurn = <Result>(
    { definition, unit, own }: { definition: DeviceDefinition; unit: number; own: AbortSignal | undefined },
    run: (exchange: TimedExchange, memory: UnitMemory) => Promise<Result>,
  ): Promise<Result> =>
    turns.take(own, async (signal) => {
      const needs = needsOf(definition, timeoutMs);
      const memory = memoryOf(definition, unit);
      try {
        return await held.use(needs, signal, (open) =>
          run(timedExchange(open, needs, { now: options.now, signal }), memory),
        );
      } catch (error) {
        // What comes back after silence may be another device under the same number.
        if (hasCode(error, "DEVICE_TIMEOUT")) forgetDevice(memory);
        throw error;
      }
    });
  return {
    read: (definition, unit, own) =>
      inTurn({ definition, unit, own }, (exchange, memory) => readCycle(definition, unit, exchange, memory)),
    probe: (definition, unit, own) =>
      inTurn({ definition, unit, own }, (exchange, memory) => probeUnit(definition, unit, exchange, memory)),
    write: (coil, own) =>
      turns.take(own, (signal) =>
        held.use({ ...NO_NEEDS, timeoutMs }, signal, (open) => writeOn(open, coil, { timeoutMs, signal })),
      ),
    async [Symbol.asyncDispose]() {
      closing.abort(new FieldwattError("BUS_CLOSED", "the bus was closed"));
      await turns.over();
      await held[Symbol.asyncDispose]();
    },
  };
}

async function writeOn(open: OpenedLine, coil: CoilWrite, options: ExchangeOptions): Promise<void> {
  const answer = await (await open()).write(coil, options);
  if (answer.kind === "done") return;
  const what = `unit ${coil.unit} does not switch coil ${coil.at}: ${exceptionText(answer.code)}`;
  throw new FieldwattError("DEVICE_REFUSED", what);
}

/** One after another, in the order of the callers. */
function openTurns(closing: AbortSignal) {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const either = withClosing(closing);
  return {
    /** Throws BUS_BUSY where too many wait. */
    take<Result>(
      own: AbortSignal | undefined,
      run: (signal: AbortSignal) => Promise<Result>,
    ): Promise<Result> {
      if (waiting >= MAX_WAITING)
        return Promise.reject(new FieldwattError("BUS_BUSY", `${waiting} readings wait already`));
      waiting += 1;
      const signal = either(own);
      const result = last
        .then(() => {
          signal.throwIfAborted();
          return run(signal);
        })
        .finally(() => (waiting -= 1));
      last = result.catch(() => undefined);
      return result;
    },
    over: (): Promise<unknown> => last,
  };
}

/** A caller's signal and the end of the bus as one. Whoever reads again and again has one signal, and gets one back. */
function withClosing(closing: AbortSignal): (own: AbortSignal | undefined) => AbortSignal {
  let last: { readonly own: AbortSignal; readonly both: AbortSignal } | undefined;
  return (own) => {
    if (!own) return closing;
    if (last?.own !== own) last = { own, both: AbortSignal.any([own, closing]) };
    return last.both;
  };
}

/** The line as it stands, or a new one where a request broke it: a cycle may go on after that. */
type OpenedLine = () => Promise<ModbusLine>;

/** The line of a bus: opened when it is needed, and again after it broke. */
function holdLine(connection: ModbusConnection, timeoutMs: number) {
  let line: ModbusLine | undefined;
  let openedAt = 0;
  // Only RTU frames carry nothing that tells one reply from another.
  const units = connection.kind.startsWith("modbus-rtu") ? unitLedger() : undefined;
  const usable = (): boolean => line?.usable() === true;
  const lineNow = async (): Promise<ModbusLine> => {
    if (line?.usable()) return line;
    await line?.[Symbol.asyncDispose]();
    line = undefined;
    line = await openLine(connection, timeoutMs, units);
    openedAt = performance.now();
    return line;
  };
  return {
    async use<Result>(
      { connectDelayMs }: WireNeeds,
      signal: AbortSignal,
      run: (open: OpenedLine) => Promise<Result>,
    ): Promise<Result> {
      const open: OpenedLine = async () => {
        const opened = await lineNow();
        await rest(openedAt + connectDelayMs - performance.now(), signal);
        return opened;
      };
      const wasOpen = usable();
      return run(open).catch((error: unknown) => {
        // The peer may have given up a connection that was idle: that says nothing about the device.
        if (wasOpen && hasCode(error, "BUS_CLOSED") && !signal.aborted) return run(open);
        throw error;
      });
    },
    async [Symbol.asyncDispose]() {
      await line?.[Symbol.asyncDispose]();
    },
  };
}

/** Waits; rejects with the signal's reason. A promise of Node's timers would leave much more behind, before each request. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      if (signal.aborted) reject(reasonOf(signal));
      else resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
    if (signal.aborted) over();
  });
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

/** An exchange that keeps the device's pause and says when its middle was. */
function timedExchange(
  open: OpenedLine,
  { gapMs, timeoutMs }: WireNeeds,
  { now, signal }: { readonly now: () => Instant; readonly signal: AbortSignal },
): TimedExchange {
  return async (request) => {
    const line = await open();
    await rest(gapMs, signal);
    const before = now();
    const answer = await line.exchange(request, { timeoutMs, signal });
    return { answer, time: instant(Math.round((before + now()) / 2)) };
  };
}
