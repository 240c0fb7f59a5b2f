import {
  type Clock,
  type DeviceId,
  type Entropy,
  type Reading,
  type Sample,
} from "../../domain/model/index.ts";
import {
  decodeMessage,
  openNodeBook,
  type Definitions,
  type Connection,
  type DeviceMessage,
  type NodeBook,
} from "../../drivers/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import type { ReadingTime } from "../time/time.ts";
import { createDeviceStates, type DeviceState } from "./device-state.ts";
import { createLive, type Live, type LiveReadings } from "./live.ts";
import { keeper } from "./keep.ts";
import { placedDevices, type KeepFrom, type Placed } from "./placed.ts";
import { runWires, type Wires } from "./wires.ts";

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
  readonly wires: Wires;
  /** What is known of field nodes. */
  readonly nodeBook: NodeBook;
  /** The topic space of an MQTT device, or undefined for any other name. */
  topicOf(device: string): string | undefined;
}

export interface AcquisitionOptions {
  readonly site: Site;
  readonly catalogue: Definitions;
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
  const { site, catalogue, clock, log, entropy } = options;
  const placed = placedDevices(site, catalogue);
  const states = createDeviceStates(site.devices);
  const live = createLive();
  const stop = new AbortController();
  const onUndated = (device: DeviceId, readings: readonly Reading[]): void => {
    states.kept(device, readings);
    live.update(readings);
  };
  const commit = keeper({
    ...options,
    onUndated,
    onKept(device, readings) {
      onUndated(device, readings);
      options.onKept(readings);
    },
  });
  const keep = judged(commit, log);
  const [mqtt, virtual] = [byId(placed, "mqtt"), byId(placed, "virtual")];
  const polling = { clock, states, log, signal: stop.signal };
  const nodeBook = openNodeBook(site.data);
  const nodes = entropy && { book: nodeBook, entropy };
  const wires = runWires(placed, { keep, states, polling, nodes });

  return {
    live,
    wires,
    nodeBook,
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
      await wires[Symbol.asyncDispose]();
    },
  };
}

/** Keeps what is judged; what is wrong with it is in the log. */
const judged =
  (commit: ReturnType<typeof keeper>, log: Logger): KeepFrom =>
  ({ device, placement, judge }, said) => {
    const decoded = judge(said);
    for (const problem of decoded.problems)
      log.debug({ device: device.id, ...problem }, "what a device said was read in part");
    // A publisher or a flow waits for its acknowledgement; whoever is asked can be asked again.
    return commit(placement, decoded, { mayWait: !WAITED_FOR.has(device.connection.kind) });
  };

const byId = (placed: readonly Placed[], kind: Connection["kind"]): ReadonlyMap<string, Placed> =>
  new Map(placed.filter(({ connection }) => connection.kind === kind).map((one) => [one.device.id, one]));

/** Whose sender waits for the commit. */
const WAITED_FOR: ReadonlySet<string> = new Set(["mqtt", "virtual"]);

const topicOf = (placed: Placed | undefined): string | undefined =>
  placed?.connection.kind === "mqtt" ? placed.connection.topic : undefined;

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
