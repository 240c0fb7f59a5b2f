import { readFile, stat } from "node:fs/promises";
import { FieldwattError, instant, messageOf, toIso, type Instant } from "../domain/model/index.ts";
import {
  bytesFromHex,
  decodeMessage,
  deviceMemory,
  readSenml,
  sparkplugMetrics,
  timeOfRecord,
  type Catalogue,
  type Decoded,
  type DeviceDefinition,
  type IndexedTelegram,
} from "../drivers/index.ts";

/** Recorded MQTT messages, and payloads that describe themselves (SenML, Sparkplug B). */
export interface MessageOptions {
  readonly bytes?: string;
  readonly hex?: string;
  readonly topic?: string | readonly string[];
  readonly payload?: string | readonly string[];
}

/** The device files that read each protocol, and the topic that a payload without one is taken to have come on. */
const PROTOCOLS = {
  senml: { device: "senml-pack", topic: "senml" },
  sparkplug: { device: "sparkplug-node", topic: "spBv1.0/group/NBIRTH/node" },
} as const;
export type MessageProtocol = keyof typeof PROTOCOLS;
export const MESSAGE_PROTOCOLS = Object.keys(PROTOCOLS) as readonly MessageProtocol[];

const NAMES: Readonly<Record<string, MessageProtocol>> = {
  senml: "senml",
  "senml-json": "senml",
  "senml-cbor": "senml",
  sparkplug: "sparkplug",
  "sparkplug-b": "sparkplug",
  sparkplugb: "sparkplug",
};

export const messageProtocol = (name: string | undefined): MessageProtocol | undefined =>
  NAMES[name?.toLowerCase() ?? ""];

const invalid = (message: string, cause?: unknown): FieldwattError =>
  new FieldwattError("DECODE_INPUT_INVALID", message, { cause });

interface RecordedMessage {
  /** Absent where only the payload is known. */
  readonly topic?: string;
  readonly payload: Uint8Array;
  readonly now: Instant;
}

/** One value of a message under its own name, whether the house has a quantity for it or not. */
export type RecordReport = Readonly<Record<string, unknown>> & { readonly name: string };

export interface MessageReport {
  readonly decoded: Decoded | readonly IndexedTelegram[];
  readonly records: readonly RecordReport[];
}

/** Decodes recorded messages of a self-describing protocol, in their order. Throws DECODE_INPUT_INVALID. */
export async function decodeProtocol(
  protocol: MessageProtocol,
  catalogue: Catalogue,
  options: MessageOptions,
): Promise<MessageReport> {
  const messages = await messagesOf(options);
  const decoded = decodeMessages(catalogue.find(PROTOCOLS[protocol].device), messages, protocol);
  return { decoded, records: RECORDS[protocol](messages) };
}

/** Recorded messages as input of a device: `--topic` with `--payload`, once or several times. */
export async function messageInput(
  options: MessageOptions,
): Promise<(definition: DeviceDefinition) => Decoded | readonly IndexedTelegram[]> {
  const messages = await messagesOf(options);
  return (definition) => decodeMessages(definition, messages);
}

/** What one message teaches (a birth, a discovery) holds for those after it. */
function decodeMessages(
  definition: DeviceDefinition,
  messages: readonly RecordedMessage[],
  protocol?: MessageProtocol,
): Decoded | readonly IndexedTelegram[] {
  const memory = deviceMemory();
  const decoded = messages.map(({ topic, payload, now }) => {
    const on = topic ?? (protocol ? PROTOCOLS[protocol].topic : "");
    const one = decodeMessage(definition, { topic: on, payload, now }, memory);
    return protocol !== undefined || one.samples.length + one.problems.length > 0 || messages.length > 1
      ? one
      : nothingOn(definition, on);
  });
  const [only] = decoded;
  if (only && decoded.length === 1) return only;
  return decoded.map((one, index) => ({ ...one, index, about: {}, records: [] }));
}

const nothingOn = ({ id }: DeviceDefinition, topic: string): Decoded => ({
  samples: [],
  problems: [{ code: "unexpectedReply", detail: `${id} gives nothing on ${topic}` }],
});

const RECORDS: Readonly<Record<MessageProtocol, (messages: readonly RecordedMessage[]) => RecordReport[]>> = {
  senml: (messages) => messages.flatMap(senmlRecords),
  sparkplug(messages) {
    const memory = deviceMemory().sparkplug;
    return messages.flatMap(({ topic = PROTOCOLS.sparkplug.topic, payload }) =>
      sparkplugMetrics({ topic, payload }, memory).metrics.map(
        ({ isHistorical, time, value, ...metric }) => ({
          ...metric,
          value: value ?? null,
          ...(time !== undefined && { time: toIso(time) }),
          ...(isHistorical && { isHistorical }),
        }),
      ),
    );
  },
};

/** The resolved records of a pack (RFC 8428, 4.6); what is no pack is among the problems already. */
function senmlRecords({ payload, now }: RecordedMessage): RecordReport[] {
  try {
    return readSenml(payload).map((record) => {
      const { name, unit, value, sum } = record;
      const time = timeOfRecord(record, now);
      return {
        name,
        ...(unit !== undefined && { unit }),
        ...(value !== undefined && { value }),
        ...(sum !== undefined && { sum }),
        ...(time !== undefined && { time: toIso(time) }),
      };
    });
  } catch (error) {
    if (error instanceof FieldwattError) return [];
    throw error;
  }
}

/** A relative time in a payload is counted from the moment at which the file was written. */
async function messagesOf({ bytes, hex, topic, payload }: MessageOptions): Promise<RecordedMessage[]> {
  const topics = topic === undefined ? [] : [topic].flat();
  const files = [...(payload === undefined ? [] : [payload].flat()), ...(bytes === undefined ? [] : [bytes])];
  const inputs = files.length + (hex === undefined ? 0 : 1);
  if (inputs === 0 || (topics.length > 0 && topics.length !== inputs))
    throw invalid("give as many --topic as --payload, or a payload alone as --payload, --bytes or --hex");
  const read = await Promise.all(files.map(readPayload));
  const given = hex === undefined ? [] : [{ payload: bytesFromHex(hex), now: instant(Date.now()) }];
  return [...read, ...given].map((message, index) => {
    const on = topics[index];
    return on === undefined ? message : { ...message, topic: on };
  });
}

/** A binary payload may have been kept as hex text: neither CBOR, nor protobuf, nor JSON begins with such letters. */
async function readPayload(file: string): Promise<RecordedMessage> {
  try {
    const content = await readFile(file);
    const now = instant(Math.round((await stat(file)).mtimeMs));
    const text = content.toString("latin1").trim();
    const isHex =
      /^[0-9a-f\s]{4,}$/i.test(text) && /[a-f]/i.test(text) && text.replace(/\s/g, "").length % 2 === 0;
    return { payload: isHex ? bytesFromHex(text) : content, now };
  } catch (cause) {
    throw invalid(`${file} cannot be read: ${messageOf(cause)}`, cause);
  }
}
