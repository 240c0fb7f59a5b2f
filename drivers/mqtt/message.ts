import {
  addMs,
  converter,
  FieldwattError,
  instant,
  type Instant,
  messageOf,
  type Sample,
} from "../../domain/model/index.ts";
import type { DeviceDefinition, MqttDialect, MqttMessageRule, MqttPoint } from "../definition.ts";
import { NOTHING, joined, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { stored, targetName, targetOf } from "../value.ts";
import { resolveSenml, unitFromSenml, type SenmlRecord } from "./senml.ts";
import { isWithin, matchTopicEnd, type TopicMatch } from "./topic.ts";

/** One message of a device. */
export interface DeviceMessage {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  /** The device's topic space; absent where only the topic is known. */
  readonly base?: string;
  /** When it arrived; times that are relative to now are counted from it. */
  readonly now?: Instant;
}

const MAX_PAYLOAD = 1_000_000;

/**
 * Decodes one message; a topic that the device file has no rule for gives nothing. Rules compare the end of the topic,
 * so a prefix of the site's own does no harm. A numbered part of a device (`switch:1`, `emeter/1`): part 0 is the
 * device as a whole, the others are channels "1", "2", …; where the base names the part, it is the device as a whole.
 * Throws DECODE_INPUT_INVALID where the device does not speak MQTT or the topic is not below the base.
 */
export function decodeMessage(definition: DeviceDefinition, message: DeviceMessage): Decoded {
  const { dialect } = definition;
  if (dialect.kind !== "mqtt")
    throw new FieldwattError("DECODE_INPUT_INVALID", `${definition.id} does not speak MQTT`);
  if (message.base !== undefined && !isWithin(message.base, message.topic)) {
    throw new FieldwattError(
      "DECODE_INPUT_INVALID",
      `the topic ${message.topic} is not below ${message.base}`,
    );
  }
  const found = findRule(dialect, message.topic);
  if (!found) return NOTHING;
  const payload =
    typeof message.payload === "string" ? message.payload : new TextDecoder().decode(message.payload);
  if (payload.length > MAX_PAYLOAD)
    return problem("malformed", `the payload is longer than ${MAX_PAYLOAD} characters`);
  if (found.rule.form === "text") return decodeText(found.rule, channelOf(found, message), payload);
  const json = parseJson(payload);
  return json === undefined
    ? problem("malformed", `the payload on ${message.topic} is not JSON`)
    : decodeJson(dialect, found, message, json);
}

interface Found {
  readonly rule: MqttMessageRule;
  readonly match: TopicMatch;
}

function findRule(dialect: MqttDialect, topic: string): Found | undefined {
  for (const rule of dialect.messages) {
    const match = matchTopicEnd(rule.topic, topic);
    if (match) return { rule, match };
  }
  return undefined;
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

function channelOf({ rule, match }: Found, message: DeviceMessage): string | undefined {
  if (match.index === undefined || rule.index === undefined) return undefined;
  if (rule.index === "phase") return `L${match.index + 1}`;
  return match.index === 0 || baseNamesPart(rule, match, message.base) ? undefined : String(match.index);
}

/** True where the base reaches past the level with the number: `shellies/em/emeter/1` is one clamp of its own. */
function baseNamesPart(rule: MqttMessageRule, match: TopicMatch, base: string | undefined): boolean {
  const level = rule.topic.split("/").findIndex((part) => part.includes("*"));
  return base !== undefined && base.split("/").length > match.before + level;
}

function decodeJson(dialect: MqttDialect, found: Found, message: DeviceMessage, json: unknown): Decoded {
  const { rule } = found;
  if (rule.form === "parts") return decodeParts(dialect, rule, message, json);
  if (rule.form === "senml") return decodeSenml(rule, message, json);
  const channel = channelOf(found, message);
  return joined(rule.points.map((point) => decodeJsonPoint(point, channel, json)));
}

/** Every entry of the object is a message of its own; what the device file does not know gives nothing. */
function decodeParts(
  dialect: MqttDialect,
  rule: MqttMessageRule,
  message: DeviceMessage,
  json: unknown,
): Decoded {
  const parts = valueAt(json, rule.parts?.at ?? []);
  if (typeof parts !== "object" || parts === null) return NOTHING;
  const pieces = Object.entries(parts).map(([key, value]: [string, unknown]) => {
    const topic = `${rule.parts?.as ?? ""}${key}`;
    const found = findRule(dialect, topic);
    return found?.rule.form === "json" ? decodeJson(dialect, found, { topic, payload: "" }, value) : NOTHING;
  });
  return joined(pieces);
}

function valueAt(json: unknown, path: readonly string[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** A list is one value for each phase. */
function decodeJsonPoint(point: MqttPoint, channel: string | undefined, json: unknown): Decoded {
  const value = point.from.map((path) => valueAt(json, path)).find((found) => found !== undefined);
  if (value === undefined) return NOTHING;
  const own = point.channel ?? channel;
  if (!Array.isArray(value)) return decodeValue(point, own, value);
  return joined(value.map((one: unknown, phase) => decodeValue(point, own ?? `L${phase + 1}`, one)));
}

function decodeText(rule: MqttMessageRule, channel: string | undefined, payload: string): Decoded {
  return joined(rule.points.map((point) => decodeValue(point, point.channel ?? channel, payload.trim())));
}

function decodeValue(point: MqttPoint, channel: string | undefined, value: unknown): Decoded {
  const target = targetOf({ quantity: point.quantity, ...(channel !== undefined && { channel }) });
  if (value === null) return problem("sentinel", `${targetName(target)} is null`);
  const number =
    typeof value === "number"
      ? value
      : typeof value === "string" && NUMBER.test(value)
        ? Number(value)
        : undefined;
  if (number === undefined)
    return problem("malformed", `${targetName(target)} is ${JSON.stringify(value).slice(0, 60)}`);
  if (!Number.isFinite(number)) return problem("notANumber", `${targetName(target)} is no finite number`);
  return { samples: [{ ...target, value: stored(point, number) }], problems: [] };
}

const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function decodeSenml(rule: MqttMessageRule, message: DeviceMessage, json: unknown): Decoded {
  try {
    return joined(resolveSenml(json).map((record) => decodeRecord(rule, record, message.now)));
  } catch (error) {
    return problem("malformed", messageOf(error));
  }
}

/** The record's last name part is the quantity; what comes before names the device. */
function decodeRecord(rule: MqttMessageRule, record: SenmlRecord, now: Instant | undefined): Decoded {
  const point = rule.points.find((candidate) =>
    candidate.from.some((path) => new RegExp(`(^|[^A-Za-z0-9])${path.join(".")}$`).test(record.name)),
  );
  if (!point) return NOTHING;
  const unit = record.unit === undefined ? point.unit : unitFromSenml(record.unit);
  if (!converter(point.quantity, unit))
    return problem("malformed", `${record.name} cannot be given in ${record.unit}`);
  const time = timeOf(record, now);
  if (time === "unknown") return problem("malformed", `${record.name} has a time relative to an unknown now`);
  const sample: Sample = { ...targetOf(point), value: stored({ ...point, unit }, record.value) };
  return { samples: [time === undefined ? sample : { ...sample, time }], problems: [] };
}

/** The device's own time; undefined for a live value. */
function timeOf({ time }: SenmlRecord, now: Instant | undefined): Instant | "unknown" | undefined {
  if (time.kind === "absolute") return instant(Math.round(time.seconds * 1000));
  if (time.seconds === 0) return undefined;
  return now === undefined ? "unknown" : addMs(now, Math.round(time.seconds * 1000));
}
