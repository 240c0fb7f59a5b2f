import { readFile } from "node:fs/promises";
import {
  deviceId,
  messageOf,
  type Instant,
  type Quality,
  type Reading,
  type StreamId,
} from "../../../domain/model/index.ts";
import type { Logger } from "../../../platform/log.ts";
import { writeSecretFile } from "../../../platform/secret-file.ts";
import type { DeviceState } from "../../acquire/device-state.ts";
import type { Live } from "../../acquire/live.ts";
import { realPause, LONGEST_PAUSE_MS, type SinkState } from "../follow.ts";
import {
  configMessage,
  configTopic,
  deviceStatusTopic,
  gatewayStatusTopic,
  sensorOf,
  stateTopic,
  type DiscoveredDevice,
  type Naming,
  type Sensor,
} from "./discovery.ts";
import type { Publisher } from "./publisher.ts";

/**
 * Home Assistant sees each stream that has a reading as a sensor of its device. It is told what is so now, at most
 * once in `everySeconds` for a device and only when it changed: what was is in the record. Everything is retained, so
 * that it is there when Home Assistant starts; a sensor whose device has gone is taken back, also after a restart,
 * because the file `home-assistant.json` of the data folder knows what was announced.
 */
export interface HomeAssistantOptions {
  readonly naming: Naming;
  readonly everySeconds: number;
  readonly devices: readonly DiscoveredDevice[];
  /** Where the topics that were announced are kept. */
  readonly file: string;
  readonly live: Pick<Live, "latest">;
  states(): readonly DeviceState[];
  readonly publisher: Publisher;
  now(): Instant;
  readonly log: Pick<Logger, "warn" | "info">;
  /** In real time; another in tests. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

export interface HomeAssistantSink extends AsyncDisposable {
  state(): SinkState;
}

/** Streams that are announced; beyond it a village is not for Home Assistant. */
export const SENSORS_MAX = 20_000;
const FIRST_PAUSE_MS = 1_000;

/** Values that may be shown as if they were so. */
const usable = (quality: Quality): boolean => quality === "ok" || quality === "estimated";

export async function openHomeAssistant(options: HomeAssistantOptions): Promise<HomeAssistantSink> {
  return new HomeAssistant(options, await readAnnounced(options.file));
}

/** Streams by the config topic under which they were announced. */
type Announced = Record<string, string>;

async function readAnnounced(file: string): Promise<Announced> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Announced;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

class HomeAssistant implements HomeAssistantSink {
  private readonly options: HomeAssistantOptions;
  private readonly devices: ReadonlyMap<string, DiscoveredDevice>;
  private readonly sensors = new Map<string, Map<StreamId, Sensor>>();
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private announced: Announced;
  /** What each topic said last; forgotten when everything is to be told again. */
  private readonly told = new Map<string, string>();
  private epoch = -1;
  private connected = false;
  private written = 0;
  private fault: SinkState["fault"];

  constructor(options: HomeAssistantOptions, announced: Announced) {
    this.options = options;
    this.announced = announced;
    this.devices = new Map(options.devices.map((device) => [device.id, device]));
    for (const stream of Object.values(announced)) this.know(stream as StreamId);
    this.running = this.run();
  }

  state(): SinkState {
    const { connected, written, fault } = this;
    return {
      name: "homeAssistant",
      connected,
      behindSeconds: 0,
      written,
      refused: 0,
      ...(fault && { fault }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
    await this.options.publisher[Symbol.asyncDispose]();
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    const { everySeconds, pause = realPause } = this.options;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.pass();
        this.connected = true;
        failures = 0;
        await pause(everySeconds * 1_000, signal);
      } catch (error) {
        this.fail(error);
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS), signal);
      }
    }
  }

  /** Tells what is new since the last pass; on a new connection everything. */
  private async pass(): Promise<void> {
    const { naming, publisher, live } = this.options;
    const epoch = publisher.epoch();
    if (epoch !== this.epoch) this.told.clear();
    for (const id of this.devices.keys())
      for (const { stream } of live.latest(deviceId(id))) this.know(stream);
    const wanted = this.wanted();
    // Noted before it is said, so that nothing is announced that a later start would not know of.
    await this.note({ ...this.announced, ...wanted });
    await this.tell(gatewayStatusTopic(naming), "online");
    const states = new Map(this.options.states().map((state) => [state.id, state]));
    for (const device of this.devices.values()) await this.tellDevice(device, states.get(device.id));
    const arrives = publisher.arrives();
    for (const topic of this.gone(wanted)) await this.tell(topic, "");
    // Until somebody hears it, it is said again to whoever comes.
    if (arrives) await this.note(wanted);
    this.epoch = epoch;
  }

  private async tellDevice(device: DiscoveredDevice, state: DeviceState | undefined): Promise<void> {
    const { naming, live } = this.options;
    const readings = new Map(live.latest(deviceId(device.id)).map((reading) => [reading.stream, reading]));
    const sensors = [...(this.sensors.get(device.id)?.values() ?? [])];
    if (sensors.length === 0) return;
    for (const sensor of sensors)
      await this.tell(configTopic(naming, sensor), configMessage(naming, sensor, device));
    await this.tell(deviceStatusTopic(naming, device.id), state?.state === "ok" ? "online" : "offline");
    const values = sensors.map(({ stream, key, entity }) => [
      key,
      valueOf(readings.get(stream), entity.factor),
    ]);
    await this.tell(stateTopic(naming, device.id), JSON.stringify(Object.fromEntries(values)));
  }

  private know(stream: StreamId): void {
    const sensor = sensorOf(stream);
    if (!sensor || !this.devices.has(sensor.device) || this.sensors.get(sensor.device)?.has(stream)) return;
    const count = [...this.sensors.values()].reduce((sum, { size }) => sum + size, 0);
    if (count >= SENSORS_MAX) return;
    const known = this.sensors.get(sensor.device) ?? new Map<StreamId, Sensor>();
    this.sensors.set(sensor.device, known.set(stream, sensor));
  }

  private wanted(): Announced {
    const sensors = [...this.sensors.values()].flatMap((known) => [...known.values()]);
    const { naming } = this.options;
    return Object.fromEntries(sensors.map((sensor) => [configTopic(naming, sensor), sensor.stream]));
  }

  /** Topics of devices that the site file no longer has, or of an older prefix. */
  private gone(wanted: Announced): string[] {
    return Object.keys(this.announced).filter((topic) => !Object.hasOwn(wanted, topic));
  }

  private async note(announced: Announced): Promise<void> {
    const text = JSON.stringify(announced);
    if (text === JSON.stringify(this.announced)) return;
    await writeSecretFile(this.options.file, text);
    this.announced = announced;
  }

  private async tell(topic: string, payload: string): Promise<void> {
    if (this.told.get(topic) === payload) return;
    await this.options.publisher.publish(topic, payload);
    this.told.set(topic, payload);
    this.written++;
  }

  private fail(error: unknown): void {
    const message = messageOf(error);
    if (this.connected || message !== this.fault?.message)
      this.options.log.warn(
        { sink: "homeAssistant", because: message },
        "Home Assistant's broker takes nothing now",
      );
    this.connected = false;
    this.fault = { message, time: this.options.now() };
  }
}

/** Rounded where a factor would leave a tail of nines. */
function valueOf(reading: Reading | undefined, factor = 1): number | null {
  if (!reading || !usable(reading.quality)) return null;
  return factor === 1 ? reading.value : Number((reading.value * factor).toPrecision(12));
}
