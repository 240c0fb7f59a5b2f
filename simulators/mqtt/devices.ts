import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { instant, type Clock, type Instant } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { NO_SHIFT, type Disturbance, type Shift } from "../faults.ts";
import type { MeterView } from "../modbus/meters.ts";
import { STEP_MS } from "../village/place.ts";
import {
  shellyNotification,
  shellyStatus,
  tasmotaAnswer,
  tasmotaPower,
  tasmotaSensor,
  type Message,
} from "./plugs.ts";
import type { Publisher } from "./publisher.ts";
import { LIVE_MS, openWeatherLogger, type WeatherPack } from "./weather-logger.ts";

/** What every MQTT device has; `topic` is the device's space, its messages are below it. */
export interface MqttDeviceOptions {
  readonly id: string;
  readonly topic: string;
  readonly clock: Clock;
  readonly publisher: Publisher;
  readonly disturbance?: Disturbance;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** However fast the village's clock, a device speaks at most five times a second of the world's. */
const PAUSE_REAL_MS = 200;

/** Waits for the next whole `step` of the village's time. */
function untilNext(step: number, { clock, signal }: MqttDeviceOptions): Promise<void> {
  const wait = step - (clock.now() % step);
  return clock.sleep(Math.max(wait, PAUSE_REAL_MS * clock.speed), signal);
}

function send(
  { topic, publisher, disturbance }: MqttDeviceOptions,
  { subtopic, payload }: Message,
): Promise<boolean> {
  if (disturbance?.dead) return Promise.resolve(false);
  const at = subtopic === "" ? topic : `${topic}/${subtopic}`;
  return publisher.send(at, disturbance?.garble(payload, "message") ?? payload);
}

async function lag({ disturbance, clock, signal }: MqttDeviceOptions): Promise<void> {
  if (disturbance?.delayMs) await clock.sleep(disturbance.delayMs * clock.speed, signal);
}

/** A plug: one message a minute, and what it could not send waits in its queue. */
export async function runTasmota(view: () => MeterView, options: MqttDeviceOptions): Promise<void> {
  while (!options.signal.aborted) {
    const message = tasmotaSensor(view(), options.clock.now());
    await lag(options);
    void send(options, message);
    await untilNext(STEP_MS, options);
  }
}

/** The socket of a plug, which is switched over MQTT. */
export interface Socket {
  isOn(): boolean;
  switch(on: boolean): void;
}

/** A plug that is switched: it takes cmnd/POWER and says what it is then, whether that changed anything or not. */
export async function runSwitchedTasmota(
  { view, socket }: { readonly view: () => MeterView; readonly socket: Socket },
  options: MqttDeviceOptions,
): Promise<void> {
  options.publisher.listen(`${options.topic}/cmnd/POWER`, (payload) => {
    if (options.disturbance?.dead) return;
    const on = tasmotaPower(payload, socket.isOn());
    if (on !== undefined && on !== socket.isOn()) socket.switch(on);
    for (const message of tasmotaAnswer(socket.isOn())) void send(options, message);
  });
  await runTasmota(view, options);
}

/** A thermometer behind Zigbee2MQTT: its state on the topic itself, once a minute. */
export async function runThermometer(state: () => Uint8Array, options: MqttDeviceOptions): Promise<void> {
  while (!options.signal.aborted) {
    const payload = state();
    await lag(options);
    void send(options, { subtopic: "", payload });
    await untilNext(STEP_MS, options);
  }
}

/** A relay: the whole status once a minute, and before it a notification of what changed. */
export async function runShelly(view: () => MeterView, options: MqttDeviceOptions): Promise<void> {
  let shown: number | undefined;
  while (!options.signal.aborted) {
    const [now, seen] = [options.clock.now(), view()];
    const changed = shown !== undefined && shown !== seen.power;
    shown = seen.power;
    const messages = [
      ...(changed ? [shellyNotification(seen, now, options.id)] : []),
      shellyStatus(seen, now),
    ];
    await lag(options);
    for (const message of messages) void send(options, message);
    await untilNext(STEP_MS, options);
  }
}

/** A weather station: hands over its backlog, then a record every five minutes; remembers what was acknowledged. */
export async function runWeatherStation(
  {
    seed,
    commissioned,
    dataDir,
    shift = NO_SHIFT,
  }: { seed: number; commissioned: Instant; dataDir: string; shift?: Shift },
  options: MqttDeviceOptions,
): Promise<void> {
  const memory = openMemory(join(dataDir, `${options.id}.json`));
  const through = memory.read();
  const logger = openWeatherLogger({
    id: options.id,
    seed,
    commissioned,
    shift,
    ...(through !== undefined && { through }),
  });
  const handOver = async (pack: WeatherPack): Promise<void> => {
    if (await send(options, { subtopic: "senml", payload: pack.payload })) memory.write(pack.through);
  };
  while (!options.signal.aborted) {
    const packs = logger.due(options.clock.now());
    await lag(options);
    for (const pack of packs) void handOver(pack);
    if (packs.length > 1)
      options.log.info({ device: options.id, packs: packs.length }, "handing over the logger's backlog");
    await untilNext(LIVE_MS, options);
  }
}

interface Memory {
  read(): Instant | undefined;
  write(through: Instant): void;
}

/** A logger's note of how far it was emptied; a lost note costs records that the reader has already. */
function openMemory(file: string): Memory {
  return {
    read() {
      try {
        const found: unknown = JSON.parse(readFileSync(file, "utf8"));
        return typeof found === "number" ? instant(found) : undefined;
      } catch {
        return undefined;
      }
    },
    write(through) {
      writeFileSync(`${file}.new`, String(through));
      renameSync(`${file}.new`, file);
    },
  };
}
