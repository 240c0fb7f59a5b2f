import { FieldwattError, messageOf, type Instant } from "../../domain/model/index.ts";
import {
  busOf,
  isAsked,
  isModbus,
  isNode,
  openSerialStream,
  type CoilWrite,
  type Connection,
  type Decoded,
  type LineSettings,
  type ModbusConnection,
  type NodeDesk,
  type RelayOrder,
} from "../../drivers/index.ts";
import { askMeters, type AskedMeter } from "./asked.ts";
import { openBuses, realPath, type Buses } from "./buses.ts";
import type { createDeviceStates } from "./device-state.ts";
import { askNodes, openNodeLines, type NodeAccess, type PolledNode } from "./nodes.ts";
import type { KeepFrom, Placed } from "./placed.ts";
import { pollBus, type PolledDevice, type Polling } from "./poll.ts";

/** What is done on the site's wires besides reading, in turn with it. */
export interface Wires {
  /** Throws DEVICE_TIMEOUT, DEVICE_REFUSED, DEVICE_GARBLED, BUS_CLOSED, BUS_BUSY. */
  writeCoil(connection: ModbusConnection, coil: Omit<CoilWrite, "unit">): Promise<void>;
  /** Of a device of the site that is a node. Throws DEVICE_UNKNOWN, and as above. */
  switchRelay(device: string, order: RelayOrder): Promise<void>;
  /** A person's work at a line of nodes, which the gateway need not have open yet. Throws BUS_CLOSED, and as `work`. */
  atDesk<Result>(settings: LineSettings, work: (desk: NodeDesk) => Promise<Result>): Promise<Result>;
}

export interface RunningWires extends Wires, AsyncDisposable {}

interface WiresRun extends Omit<TalkerRun, "now"> {
  readonly polling: Polling;
  readonly nodes: Pick<NodeAccess, "book" | "entropy"> | undefined;
}

/** Begins to read everything that hangs on a wire; disposed of after the polling's signal. */
export function runWires(
  placed: readonly Placed[],
  { keep, states, polling, nodes }: WiresRun,
): RunningWires {
  const now = () => polling.clock.now();
  const buses = openBuses({ now });
  const lines = openNodeLines(nodes && { ...nodes, now, trusted: () => polling.clock.trusted() });
  const byLine = <One extends { readonly connection: Connection }>(all: readonly One[]): One[][] => [
    ...Map.groupBy(all, ({ connection }) => busOf(connection, realPath)).values(),
  ];
  const linked = byLine(linkedNodes(placed, keep)).map((line) =>
    askNodes(line, lines.of(line[0]?.connection.path ?? ""), polling),
  );
  const polled = groupByBus(placed).map((group, at, { length }) =>
    runBus(group, buses, { keep, polling: { ...polling, share: (at + 1) / length } }),
  );
  const asked = byLine(askedMeters(placed, keep)).map((line) => askMeters(line, { now, polling }));
  const talkers = placed.flatMap((p) => runTalker(p, { keep, now, states }));
  return {
    writeCoil: (connection, coil) => buses.of(connection).write({ ...coil, unit: connection.unit }),
    switchRelay: (id, order) => {
      const { definition, connection } = nodeOf(placed, id);
      return lines.of(connection.path).switchRelay(definition, connection, order);
    },
    atDesk: (settings, work) => lines.of(settings.path).atDesk(settings, work),
    async [Symbol.asyncDispose]() {
      const closed = talkers.map((talker) => talker[Symbol.asyncDispose]());
      await Promise.all([...linked, ...polled, ...asked, ...closed]);
      await Promise.all([buses[Symbol.asyncDispose](), lines[Symbol.asyncDispose]()]);
    },
  };
}

/** Devices by physical bus: whatever name a serial port goes by, it is one. */
function groupByBus(placed: readonly Placed[]): Wired[][] {
  const wired = placed.flatMap((one): Wired[] => {
    const { connection } = one;
    return isModbus(connection) ? [{ ...one, connection }] : [];
  });
  return [...Map.groupBy(wired, ({ connection }) => busOf(connection, realPath)).values()];
}

interface Wired extends Placed {
  readonly connection: ModbusConnection;
}

interface BusRun {
  readonly keep: KeepFrom;
  readonly polling: Polling;
}

async function runBus(group: readonly Wired[], buses: Buses, { keep, polling }: BusRun): Promise<void> {
  const connection = steadiest(group);
  if (!connection) return;
  const bus = buses.of(connection);
  const devices = group.map((from): PolledDevice => {
    const { unit } = from.connection;
    return {
      id: from.device.id,
      interval: from.device.interval,
      read: (signal) => bus.read(from.definition, unit, signal),
      probe: (signal) => bus.probe(from.definition, unit, signal),
      keep: (decoded) => keep(from, decoded),
    };
  });
  await pollBus(devices, polling);
}

/** Of several names of one port the link is taken (/dev/serial/by-id): it finds the adapter again in another socket. */
function steadiest(group: readonly Wired[]): ModbusConnection | undefined {
  const connections = group.map(({ connection }) => connection);
  return (
    connections.find((one) => one.kind === "modbus-rtu" && realPath(one.path) !== one.path) ?? connections[0]
  );
}

const askedMeters = (placed: readonly Placed[], keep: KeepFrom): AskedMeter[] =>
  placed.flatMap((from): AskedMeter[] => {
    const { device, definition, connection } = from;
    const { id, interval } = device;
    if (connection.kind !== "serial" || !isAsked(definition)) return [];
    return [{ id, interval, definition, connection, keep: (decoded) => keep(from, decoded) }];
  });

const linkedNodes = (placed: readonly Placed[], keep: KeepFrom): PolledNode[] =>
  placed.filter(isLinked).map((from) => {
    const { device, definition, connection } = from;
    const { id, interval } = device;
    return { id, interval, definition, connection, keep: (decoded) => keep(from, decoded) };
  });

type Linked = Placed & { readonly connection: Extract<Connection, { kind: "serial" }> };
const isLinked = (from: Placed): from is Linked =>
  from.connection.kind === "serial" && isNode(from.definition);

function nodeOf(placed: readonly Placed[], id: string): Linked {
  const found = placed.find((from) => from.device.id === id);
  if (found && isLinked(found)) return found;
  throw new FieldwattError("DEVICE_UNKNOWN", `${id} is no node of this site`);
}

interface TalkerRun {
  readonly keep: KeepFrom;
  readonly now: () => Instant;
  readonly states: ReturnType<typeof createDeviceStates>;
}

/**
 * A device that talks unasked is heard once an interval: the record needs no more. Some spread their values over
 * several blocks, so each kind of block, told by its first value, has an interval of its own.
 */
function runTalker(from: Placed, { keep, now, states }: TalkerRun): AsyncDisposable[] {
  const { connection } = from;
  const { id, interval } = from.device;
  if (connection.kind !== "serial" || isAsked(from.definition) || isNode(from.definition)) return [];
  const next = new Map<string, number>();
  const onDecoded = (decoded: Decoded): void => {
    const at = now();
    const [first] = decoded.samples;
    if (!first) return;
    const kind = `${first.quantity} ${first.channel ?? ""}`;
    const due = next.get(kind) ?? 0;
    // A clock that was set back is followed.
    if (at < due && due <= at + interval) return;
    next.set(kind, at + interval);
    keep(from, decoded).catch((error: unknown) => states.failed(id, messageOf(error)));
  };
  const onFault = (error: unknown): void => void states.failed(id, messageOf(error));
  return [openSerialStream(connection, from.definition, { now, onDecoded, onFault })];
}
