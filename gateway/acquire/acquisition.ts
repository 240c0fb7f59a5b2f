import { realpathSync } from "node:fs";
import { SOURCES, type Placement } from "../../domain/energy/normalise.ts";
import {
  deviceId,
  FieldwattError,
  messageOf,
  type Clock,
  type Entropy,
  type Instant,
  type Reading,
  type Sample,
} from "../../domain/model/index.ts";
import {
  busOf,
  decodeMessage,
  deviceMemory,
  isAsked,
  isModbus,
  isNode,
  openModbusBus,
  openNodeBook,
  openPlausibility,
  openSerialStream,
  type Catalogue,
  type Connection,
  type Decoded,
  type DeviceMemory,
  type DeviceMessage,
  type ModbusConnection,
} from "../../drivers/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import { siteDevices, type SitedDevice } from "../site/devices.ts";
import type { ReadingTime } from "../time/time.ts";
import { askMeters, type AskedMeter } from "./asked.ts";
import { createDeviceStates, type DeviceState } from "./device-state.ts";
import { createLive, type Live, type LiveReadings } from "./live.ts";
import { keeper } from "./keep.ts";
import { askNodes, type NodeAccess, type PolledNode } from "./nodes.ts";
import { pollBus, type PolledDevice, type Polling } from "./poll.ts";

/**
 * From wires to the record. One queue a physical bus; talkers on serial lines; MQTT devices through the village
 * broker. Whatever the wire, a reading counts as taken only after the record has committed it.
 */
export interface Acquisition extends AsyncDisposable {
  readonly live: Live & Pick<LiveReadings, "forget">;
  states(): DeviceState[];
  /** Takes one message of a device on the village broker; resolves when its readings are durable. */
  take(message: BrokerMessage): Promise<void>;
  /** Values of a virtual device; resolves when they are durable. Undefined for any other device. */
  write(device: string, samples: readonly Sample[]): Promise<void> | undefined;
  /** The topic space of an MQTT device, or undefined for any other name. */
  topicOf(device: string): string | undefined;
}

interface Placed extends SitedDevice {
  readonly placement: Placement;
  /** What an MQTT device said before that later messages depend on. */
  readonly memory: DeviceMemory;
  /** Marks what cannot be true by its device file, whatever wire it came over. */
  readonly judge: (decoded: Decoded) => Decoded;
}

export interface AcquisitionOptions {
  readonly site: Site;
  readonly catalogue: Catalogue;
  readonly store: Pick<RecordStore, "append">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the time may be unknown. */
  readonly time?: ReadingTime | undefined;
  /** Needed where a device is a node on the field link. */
  readonly entropy?: Entropy | undefined;
  /** Called after each commit. */
  onKept(readings: readonly Reading[]): void;
}

export function openAcquisition(options: AcquisitionOptions): Acquisition {
  const { site, catalogue, clock, log } = options;
  const placed = placedDevices(site, catalogue);
  const states = createDeviceStates(site.devices);
  const live = createLive();
  const stop = new AbortController();
  const commit = keeper({
    ...options,
    onKept(device, readings) {
      states.kept(device, readings);
      live.update(readings);
      options.onKept(readings);
    },
    onUndated(device, readings) {
      states.kept(device, readings);
      live.update(readings);
    },
  });
  const keep: KeepFrom = ({ device, placement, judge }, said) => {
    const decoded = judge(said);
    for (const problem of decoded.problems)
      log.debug({ device: device.id, ...problem }, "what a device said was read in part");
    // A publisher or a flow waits for its acknowledgement; whoever is asked can be asked again.
    return commit(placement, decoded, { mayWait: !WAITED_FOR.has(device.connection.kind) });
  };
  const now = () => clock.now();
  const [mqtt, virtual] = [byId(placed, "mqtt"), byId(placed, "virtual")];
  const polling = { clock, states, log, signal: stop.signal };
  const wires = runWires(placed, { keep, now, states, polling, nodes: nodesOf(options) });

  return {
    live,
    states: () => states.all(clock.now()),
    topicOf: (id) => topicOf(mqtt.get(id)),
    write(id, samples) {
      const from = virtual.get(id);
      return from && keep(from, { samples, problems: [] });
    },
    async take({ user, topic, payload }) {
      const from = mqtt.get(user);
      const base = topicOf(from);
      if (!from || base === undefined) return;
      await takeMessage(from, { topic, payload, base, now: clock.now() }, keep);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await wires();
    },
  };
}

const byId = (placed: readonly Placed[], kind: Connection["kind"]): ReadonlyMap<string, Placed> =>
  new Map(placed.filter(({ connection }) => connection.kind === kind).map((one) => [one.device.id, one]));

const nodesOf = ({ site, entropy }: AcquisitionOptions): NodeAccess | undefined =>
  entropy && { book: openNodeBook(site.data), entropy };

interface WiresRun extends BusRun, TalkerRun {
  readonly nodes: NodeAccess | undefined;
}

/** Begins to read everything that hangs on a wire. @returns what resolves when all of it has ended, after the signal */
function runWires(
  placed: readonly Placed[],
  { keep, now, states, polling, nodes }: WiresRun,
): () => Promise<void> {
  const byLine = <One extends { readonly connection: Connection }>(all: readonly One[]): One[][] => [
    ...Map.groupBy(all, ({ connection }) => busOf(connection, realPath)).values(),
  ];
  const linked = byLine(linkedNodes(placed, keep)).map((link) =>
    askNodes(link, { access: nodes, now, polling }),
  );
  const buses = groupByBus(placed).map((group) => runBus(group, { keep, now, polling }));
  const asked = byLine(askedMeters(placed, keep)).map((line) => askMeters(line, { now, polling }));
  const talkers = placed.flatMap((p) => runTalker(p, { keep, now, states }));
  return async () => {
    const closed = talkers.map((talker) => talker[Symbol.asyncDispose]());
    await Promise.all([...linked, ...buses, ...asked, ...closed]);
  };
}

/** Whose sender waits for the commit. */
const WAITED_FOR: ReadonlySet<string> = new Set(["mqtt", "virtual"]);

/** Throws SITE_FILE_INVALID where a device does not fit its device file or its bus. */
function placedDevices(site: Site, catalogue: Catalogue): Placed[] {
  const { devices, problems } = siteDevices(site, catalogue);
  const [problem] = problems;
  if (problem) throw new FieldwattError("SITE_FILE_INVALID", problem.message);
  return devices.map((sited) => {
    const { id, mounting, reversed } = sited.device;
    // What a flow writes is in the site's sense already.
    const isVirtual = sited.connection.kind === "virtual";
    const generator = isVirtual ? SOURCES.has(mounting) : sited.definition.generator;
    return {
      ...sited,
      placement: { device: deviceId(id), mounting, reversed, generator },
      memory: deviceMemory(),
      judge: openPlausibility(sited.definition),
    };
  });
}

const topicOf = (placed: Placed | undefined): string | undefined =>
  placed?.connection.kind === "mqtt" ? placed.connection.topic : undefined;

type KeepFrom = (from: Placed, decoded: Decoded) => Promise<void>;

/** Resolves when the message's readings are durable. */
async function takeMessage(from: Placed, message: DeviceMessage, keep: KeepFrom): Promise<void> {
  try {
    await keep(from, decodeMessage(from.definition, message, from.memory));
  } catch (error) {
    // What was not kept comes again, and must not then pass for a copy of what was.
    from.memory.uplinks.clear();
    throw error;
  }
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

/** What a path leads to; the path itself while nothing is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

interface BusRun {
  readonly keep: KeepFrom;
  readonly now: () => Instant;
  readonly polling: Polling;
}

async function runBus(group: readonly Wired[], { keep, now, polling }: BusRun): Promise<void> {
  const connection = steadiest(group);
  if (!connection) return;
  await using bus = openModbusBus(connection, { now });
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
  placed.flatMap((from): PolledNode[] => {
    const { device, definition, connection } = from;
    const { id, interval } = device;
    if (connection.kind !== "serial" || !isNode(definition)) return [];
    return [{ id, interval, definition, connection, keep: (decoded) => keep(from, decoded) }];
  });

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
