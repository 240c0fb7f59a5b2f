import { connect } from "mqtt";
import { FieldwattError, instant, type Clock } from "../domain/model/index.ts";
import { openScene } from "./device/scene.ts";
import { scalingOf } from "./device/scaling.ts";
import { data, text, type Sheet } from "./device/sheet.ts";
import { mqttFake, mqttFakes } from "./mqtt/dialects.ts";
import { openPtyPair } from "./pty.ts";
import { dlt645Answer } from "./telegram/dlt645.ts";
import { p1Telegram } from "./telegram/dsmr.ts";
import { answerOf, pushed } from "./telegram/iec62056.ts";
import { mbusAnswer } from "./telegram/mbus.ts";
import { smlTelegram } from "./telegram/sml.ts";
import type { ElectricityView } from "./telegram/view.ts";
import { textBlock } from "./vedirect.ts";

/** Fakes of devices that have no registers: they talk on a serial line, answer there, or publish to a broker. */
export interface Talker extends AsyncDisposable {
  /** A path, or the topic below which it publishes. */
  readonly address: string;
}

export interface TalkerOptions {
  readonly seed: number;
  readonly clock: Clock;
  /** Values that stand still, by target, in stored units. */
  readonly set?: Readonly<Record<string, number>>;
  /** Real time between two telegrams or turns of messages. */
  readonly periodMs: number;
}

type Values = (target: string) => number | undefined;

function valuesOf({ seed, clock, set = {} }: TalkerOptions): Values {
  const scene = openScene(seed);
  const started = clock.now();
  return (target) => set[target] ?? scene(target, (clock.now() - started) / 1_000);
}

/** How a serial device talks: by itself, or when it is asked. */
interface Speech {
  tell?(): Uint8Array;
  answer?(request: Uint8Array): Uint8Array | undefined;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const MBUS_ADDRESS = 1;

function speechOf(sheet: Sheet, values: Values, clock: Clock): Speech | undefined {
  const view = (): ElectricityView => electricity(values, clock);
  const { protocol, pushes } = data(sheet.data.telegram);
  if (text(data(sheet.data.serial).protocol) === "vedirect") return { tell: () => vedirect(sheet, values) };
  if (protocol === "dsmr") return { tell: () => p1Telegram(view()) };
  if (protocol === "sml") return { tell: () => smlTelegram({ view: view() }) };
  if (protocol === "iec62056-21")
    return pushes === true
      ? { tell: () => pushed(view()) }
      : { answer: (request) => answerOf(latin1(request), view()) };
  if (protocol === "dlt645") return { answer: (request) => dlt645Answer(request, view()) };
  if (protocol === "mbus") {
    const volume = (): number => values("waterVolume") ?? 0;
    return { answer: (request) => mbusAnswer(request, { serial: SERIAL, volume: volume() }, MBUS_ADDRESS) };
  }
  return undefined;
}

const SERIAL = "26000001";

function electricity(values: Values, clock: Clock): ElectricityView {
  const of = (target: string): number => values(target) ?? 0;
  const halves = (target: string): [number, number] => [of(target) * 0.6, of(target) * 0.4];
  return {
    serial: SERIAL,
    time: clock.now(),
    imported: halves("activeEnergyImport"),
    exported: halves("activeEnergyExport"),
    power: of("activePower"),
    voltages: [of("voltage.L1"), of("voltage.L2"), of("voltage.L3")],
  };
}

/** Each field of the device file, in the whole numbers that the text protocol has. */
function vedirect(sheet: Sheet, values: Values): Buffer {
  const fields = Object.entries(data(sheet.data.points)).flatMap(([target, point]) => {
    const scaling = scalingOf(target, data(point));
    const value = values(target);
    const field = text(data(point).field);
    return scaling && value !== undefined
      ? [[field, String(Math.round(scaling.toDevice(value)))] as const]
      : [];
  });
  return textBlock([["PID", "0xA042"], ...fields]);
}

/** Opens a fake on a pseudo-terminal. @throws FieldwattError OPTION_INVALID (no fake speaks so), PTY_FAILED */
export async function openSerialTalker(sheet: Sheet, link: string, options: TalkerOptions): Promise<Talker> {
  const speech = speechOf(sheet, valuesOf(options), options.clock);
  if (!speech) throw new FieldwattError("OPTION_INVALID", `there is no serial fake of ${sheet.id}`);
  const pty = await openPtyPair({ link });
  const { tell, answer } = speech;
  const timer = tell && setInterval(() => pty.write(tell()), options.periodMs);
  pty.onData((bytes) => {
    const reply = answer?.(bytes);
    if (reply) pty.write(reply);
  });
  return {
    address: pty.path,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await pty[Symbol.asyncDispose]();
    },
  };
}

export interface Broker {
  readonly url: string;
  readonly topic: string;
}

/** Publishes as the device would. @throws FieldwattError OPTION_INVALID where there is no such fake */
export function openMqttTalker(sheet: Sheet, { url, topic }: Broker, options: TalkerOptions): Talker {
  const fake = mqttFake(sheet.id, topic);
  if (!fake)
    throw new FieldwattError(
      "OPTION_INVALID",
      `there is no MQTT fake of ${sheet.id}; there are ${mqttFakes().join(", ")}`,
    );
  const measured = valuesOf(options);
  const client = connect(url, { queueQoSZero: false });
  // A broker that is away is tried again by the client itself.
  client.on("error", () => undefined);
  let turn = 0;
  const speak = (): void => {
    if (!client.connected) return;
    const messages = fake({ measured, time: instant(options.clock.now()), turn });
    turn += 1;
    for (const message of messages) client.publish(message.topic, Buffer.from(message.payload), { qos: 0 });
  };
  client.on("connect", speak);
  const timer = setInterval(speak, options.periodMs);
  return {
    address: topic,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await client.endAsync(true);
    },
  };
}
