import { connect } from "mqtt";
import { FieldwattError, instant, type Clock } from "../domain/model/index.ts";
import { openScene } from "./device/scene.ts";
import { scalingOf } from "./device/scaling.ts";
import { data, text, type Sheet } from "./device/sheet.ts";
import { mqttFake, mqttFakes } from "./mqtt/dialects.ts";
import { openPtyPair, type PtyPair } from "./pty.ts";
import { speechOf, type Speech, type Values } from "./telegram/speech.ts";
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

function valuesOf({ seed, clock, set = {} }: TalkerOptions): Values {
  const scene = openScene(seed);
  const started = clock.now();
  return (target) => set[target] ?? scene(target, (clock.now() - started) / 1_000);
}

const speechOfSheet = (sheet: Sheet, values: Values, clock: Clock): Speech | undefined =>
  text(data(sheet.data.serial).protocol) === "vedirect"
    ? { tell: () => vedirect(sheet, values) }
    : speechOf(sheet, values, clock);

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

/** IEC 62056-21, 4.3.2: a meter answers after 200 ms, when the reader has changed its rate. */
const REACTION_MS = 200;
/** A request is shorter than that; the oldest bytes of noise go. */
const REQUEST_BYTES_MAX = 64;

/** Opens a fake on a pseudo-terminal. @throws FieldwattError OPTION_INVALID (no fake speaks so), PTY_FAILED */
export async function openSerialTalker(sheet: Sheet, link: string, options: TalkerOptions): Promise<Talker> {
  const speech = speechOfSheet(sheet, valuesOf(options), options.clock);
  if (!speech) throw new FieldwattError("OPTION_INVALID", `there is no serial fake of ${sheet.id}`);
  const pty = await openPtyPair({ link });
  const { tell, answer } = speech;
  const timer = tell && setInterval(() => pty.write(tell()), options.periodMs);
  const hush = answer && answering(pty, (request) => answer(request));
  return {
    address: pty.path,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      hush?.();
      await pty[Symbol.asyncDispose]();
    },
  };
}

/** Answers each request, though it may come in pieces; what a stillness follows is over, and was for somebody else. */
function answering(pty: PtyPair, answer: NonNullable<Speech["answer"]>): () => void {
  let request = Buffer.alloc(0);
  let stillness: NodeJS.Timeout | undefined;
  let reaction: NodeJS.Timeout | undefined;
  const forget = (): void => void (request = Buffer.alloc(0));
  pty.onData((bytes) => {
    request = Buffer.concat([request, bytes]).subarray(-REQUEST_BYTES_MAX);
    clearTimeout(stillness);
    stillness = setTimeout(forget, REACTION_MS / 2);
    const reply = answer(request);
    if (!reply) return;
    clearTimeout(reaction);
    reaction = setTimeout(() => pty.write(reply), REACTION_MS);
  });
  return () => [stillness, reaction].forEach((timer) => clearTimeout(timer));
}

export interface Broker {
  readonly url: string;
  readonly topic: string;
  /** Which form of messages, where a device file reads several: `gen1` of Shelly, `cbor` of SenML. */
  readonly form?: string;
}

/** Publishes as the device would. @throws FieldwattError OPTION_INVALID where there is no such fake */
export function openMqttTalker(sheet: Sheet, { url, topic, form }: Broker, options: TalkerOptions): Talker {
  const name = form === undefined ? sheet.id : `${sheet.id}:${form}`;
  const fake = mqttFake(name, topic);
  if (!fake)
    throw new FieldwattError(
      "OPTION_INVALID",
      `there is no MQTT fake of ${name}; there are ${mqttFakes().join(", ")}`,
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
