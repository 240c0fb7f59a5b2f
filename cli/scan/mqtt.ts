import { once } from "node:events";
import { connect, type MqttClient } from "mqtt";
import { FieldwattError, instant, messageOf } from "../../domain/model/index.ts";
import { decodeMessage, type DeviceDefinition } from "../../drivers/index.ts";
import { targetName } from "../../drivers/value.ts";
import type { Found, Guess, ScanContext, ScanReport } from "./report.ts";

/** Topics that are kept; a broker with more is one for another tool. */
const TOPICS_MAX = 2_000;
const PAYLOAD_MAX = 200_000;
const CONNECT_MS = 5_000;

/** Topics that say by themselves who talks, before any device file is asked. */
const DIALECTS: readonly { readonly says: string; readonly topic: RegExp }[] = [
  { says: "Sparkplug B", topic: /^spBv1\.0\// },
  { says: "ChirpStack v4", topic: /^application\/[^/]+\/device\/[^/]+\/event\// },
  { says: "The Things Stack v3", topic: /^v3\/[^/]+\/devices\/[^/]+\/up$/ },
  { says: "Home Assistant discovery", topic: /^homeassistant\/.+\/config$/ },
  { says: "Zigbee2MQTT", topic: /^zigbee2mqtt\// },
  { says: "Tasmota", topic: /(^|\/)(tele|stat)\/|\/(SENSOR|STATE|STATUS\d+)$/ },
  { says: "Shelly", topic: /^shellies\/|^shelly[^/]*\/(events|status|online)/ },
];

export interface MqttScanOptions {
  readonly url: string;
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
}

/** Listens to every topic until the signal. It publishes nothing. @throws FieldwattError BUS_CLOSED */
export async function scanMqtt({ url, definitions, context }: MqttScanOptions): Promise<ScanReport> {
  const bus = url.replace(/\/\/[^@/]*@/, "//");
  const client = await connected(url, bus);
  const topics = new Map<string, Found>();
  let messages = 0;
  client.on("message", (topic, payload) => {
    messages += 1;
    context.progress(`${bus}: ${messages} messages on ${topics.size} topics`);
    if (payload.length > PAYLOAD_MAX || (topics.size >= TOPICS_MAX && !topics.has(topic))) return;
    const found = recognise(definitions, topic, payload);
    // Messages of one topic differ: the one that gave most is kept.
    if ((topics.get(topic)?.guesses.length ?? -1) < found.guesses.length) topics.set(topic, found);
  });
  try {
    await client.subscribeAsync("#", { qos: 0 });
    if (!context.signal.aborted) await once(context.signal, "abort");
  } finally {
    await client.endAsync(true);
  }
  const found = [...topics.values()].sort((a, b) => a.where.localeCompare(b.where));
  const notes = [`${messages} messages heard on ${topics.size} topics`];
  if (topics.size >= TOPICS_MAX) notes.push(`only ${TOPICS_MAX} topics were kept`);
  return { bus, complete: true, notes, found };
}

async function connected(url: string, bus: string): Promise<MqttClient> {
  const client = connect(url, { reconnectPeriod: 0, connectTimeout: CONNECT_MS, clean: true });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", reject);
      client.once("close", () => reject(new Error("the broker closed the connection")));
    });
    client.on("error", () => undefined);
    return client;
  } catch (cause) {
    client.end(true);
    throw new FieldwattError("BUS_CLOSED", `${bus}: ${messageOf(cause)}`, { cause });
  }
}

function recognise(definitions: readonly DeviceDefinition[], topic: string, payload: Uint8Array): Found {
  const says = DIALECTS.find((dialect) => dialect.topic.test(topic))?.says;
  const guesses = definitions
    .filter(({ dialect }) => dialect.kind === "mqtt")
    .map((definition) => guessOf(definition, topic, payload))
    .filter(({ values }) => Object.keys(values).length > 0)
    .sort((a, b) => Object.keys(b.values).length - Object.keys(a.values).length);
  return { where: topic, topic, ...(says !== undefined && { says }), guesses };
}

function guessOf(definition: DeviceDefinition, topic: string, payload: Uint8Array): Guess {
  const { samples, problems } = decodeMessage(definition, { topic, payload, now: instant(0) });
  const values = Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
  const share = samples.length / Math.max(1, samples.length + problems.length);
  return { device: definition.id, score: Math.round(100 * share) / 100, values };
}
