import { normalise, type Placement } from "../../domain/energy/normalise.ts";
import {
  addMs,
  deviceId,
  instant,
  messageOf,
  type Clock,
  type DeviceId,
  type Instant,
  type Reading,
} from "../../domain/model/index.ts";
import {
  busOf,
  decodeMessage,
  openModbusBus,
  openSerialStream,
  type Catalogue,
  type Decoded,
  type DeviceDefinition,
} from "../../drivers/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import type { SiteDevice } from "../site/schema.ts";
import { createDeviceStates, type DeviceState } from "./device-state.ts";
import { createLive, type Live } from "./live.ts";
import { pollBus, type PolledDevice } from "./poll.ts";

/**
 * From wires to the record. One queue a physical bus; talkers on serial lines; MQTT devices through the village
 * broker. Whatever the wire, a reading counts as taken only after the record has committed it.
 */
export interface Acquisition extends AsyncDisposable {
  readonly live: Live;
  states(): DeviceState[];
  /** Takes one message of a device on the village broker; resolves when its readings are durable. */
  take(message: BrokerMessage): Promise<void>;
  /** The topic space of an MQTT device, or undefined for any other name. */
  topicOf(device: string): string | undefined;
}

interface Placed {
  readonly device: SiteDevice;
  readonly definition: DeviceDefinition;
  readonly placement: Placement;
}

export interface AcquisitionOptions {
  readonly site: Site;
  readonly catalogue: Catalogue;
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each commit. */
  onKept(readings: readonly Reading[]): void;
}

/** A device's own stamp may run ahead of the gateway's clock by this much; beyond it, it is the clock that lies. */
const AHEAD_MAX_MS = 5 * 60_000;

export function openAcquisition(options: AcquisitionOptions): Acquisition {
  const { site, catalogue, clock, log } = options;
  const placed = site.devices.map((device) => place(device, catalogue));
  const states = createDeviceStates(site.devices);
  const live = createLive();
  const stop = new AbortController();
  const keep = keeper({ ...options, live });
  const now = () => clock.now();
  const mqtt = new Map(
    placed.filter((p) => p.device.connection.kind === "mqtt").map((p) => [p.device.id, p]),
  );

  const buses = groupByBus(placed).map((group) =>
    runBus(group, { keep, now, polling: { clock, states, log, signal: stop.signal } }),
  );
  const talkers = placed.flatMap((p) => runTalker(p, { keep, now, states }));

  return {
    live,
    states: () => states.all(clock.now()),
    topicOf: (id) => topicOf(mqtt.get(id)),
    async take({ user, topic, payload }) {
      const from = mqtt.get(user);
      const base = topicOf(from);
      if (!from || base === undefined) return;
      const decoded = decodeMessage(from.definition, { topic, payload, base, now: clock.now() });
      for (const problem of decoded.problems)
        log.debug({ device: user, topic, ...problem }, "a message was read in part");
      await keep(from, decoded);
      if (decoded.samples.length > 0) states.answered(user, clock.now());
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([...buses, ...talkers.map((talker) => talker[Symbol.asyncDispose]())]);
    },
  };
}

function place(device: SiteDevice, catalogue: Catalogue): Placed {
  const definition = catalogue.find(device.device);
  const { mounting, reversed } = device;
  return {
    device,
    definition,
    placement: { device: deviceId(device.id), mounting, reversed, generator: definition.generator },
  };
}

const topicOf = (placed: Placed | undefined): string | undefined =>
  placed?.device.connection.kind === "mqtt" ? placed.device.connection.topic : undefined;

type Keep = (from: Placed, decoded: Decoded) => Promise<void>;

function keeper({
  store,
  clock,
  onKept,
  live,
}: AcquisitionOptions & { live: ReturnType<typeof createLive> }): Keep {
  const lastStamp = new Map<DeviceId, Instant>();

  /** The present, but never the same millisecond twice for one device: the record keeps one value a stream and time. */
  const stamp = (device: DeviceId): Instant => {
    const now = instant(Math.max(clock.now(), (lastStamp.get(device) ?? 0) + 1));
    lastStamp.set(device, now);
    return now;
  };

  return async ({ placement }, { samples }) => {
    if (samples.length === 0) return;
    const now = stamp(placement.device);
    const readings = samples
      .filter((sample) => sample.time === undefined || sample.time <= addMs(now, AHEAD_MAX_MS))
      .map((sample) => normalise(sample, placement, now));
    await store.append(readings);
    live.update(readings);
    onKept(readings);
  };
}

function groupByBus(placed: readonly Placed[]): Placed[][] {
  const buses = new Map<string, Placed[]>();
  for (const one of placed) {
    const { kind } = one.device.connection;
    if (kind !== "modbus-tcp" && kind !== "modbus-rtu") continue;
    const bus = busOf(one.device.connection);
    buses.set(bus, [...(buses.get(bus) ?? []), one]);
  }
  return [...buses.values()];
}

interface BusRun {
  readonly keep: Keep;
  readonly now: () => Instant;
  readonly polling: Parameters<typeof pollBus>[1];
}

async function runBus(group: readonly Placed[], { keep, now, polling }: BusRun): Promise<void> {
  const connection = group[0]?.device.connection;
  if (connection?.kind !== "modbus-tcp" && connection?.kind !== "modbus-rtu") return;
  await using bus = openModbusBus(connection, { now });
  const devices = group.flatMap((from): PolledDevice[] => {
    const { id, interval, connection: own } = from.device;
    if (own.kind !== "modbus-tcp" && own.kind !== "modbus-rtu") return [];
    return [
      {
        id,
        interval,
        read: (signal) => bus.read(from.definition, own.unit, signal),
        keep: (decoded) => keep(from, decoded),
      },
    ];
  });
  await pollBus(devices, polling);
}

interface TalkerRun {
  readonly keep: Keep;
  readonly now: () => Instant;
  readonly states: ReturnType<typeof createDeviceStates>;
}

/**
 * A device that talks unasked is heard once an interval: the record needs no more. Some spread their values over
 * several blocks, so each kind of block, told by its first value, has an interval of its own.
 */
function runTalker(from: Placed, { keep, now, states }: TalkerRun): AsyncDisposable[] {
  const { id, connection, interval } = from.device;
  if (connection.kind !== "serial") return [];
  const next = new Map<string, number>();
  const onDecoded = (decoded: Decoded): void => {
    const at = now();
    const [first] = decoded.samples;
    if (!first) return;
    const kind = `${first.quantity} ${first.channel ?? ""}`;
    if (at < (next.get(kind) ?? 0)) return;
    next.set(kind, at + interval);
    keep(from, decoded).then(
      () => states.answered(id, now()),
      (error: unknown) => states.failed(id, messageOf(error)),
    );
  };
  const onFault = (error: unknown): void => void states.failed(id, messageOf(error));
  return [openSerialStream(connection, from.definition, { now, onDecoded, onFault })];
}
