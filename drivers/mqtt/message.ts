import { FieldwattError, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { decodeLorawan } from "../lorawan/decode.ts";
import { problem } from "../modbus/points.ts";
import type { MqttDialect, MqttMessageRule } from "./dialect.ts";
import { decodeDiscovered, learn } from "./discovery.ts";
import { decodeJsonPoints, decodeValue, parseJson, valueAt } from "./json.ts";
import { deviceMemory, isNewUplink, type DeviceMemory } from "./memory.ts";
import { channelOf, findRule, type Found } from "./rules.ts";
import { decodeSenml } from "./senml-message.ts";
import { decodeSparkplug } from "./sparkplug.ts";
import { isWithin } from "./topic.ts";
import { uplinkOf, type Uplink } from "./uplink.ts";

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
 * so a prefix of the site's own does no harm. A LoRaWAN device is read from the uplinks of its network server.
 * `memory` is what the device said before; without it each message stands alone.
 * Throws DECODE_INPUT_INVALID where the device does not speak MQTT or the topic is not below the base.
 */
export function decodeMessage(
  definition: DeviceDefinition,
  message: DeviceMessage,
  memory: DeviceMemory = deviceMemory(),
): Decoded {
  const { dialect } = definition;
  if (dialect.kind !== "mqtt" && dialect.kind !== "lorawan")
    throw new FieldwattError("DECODE_INPUT_INVALID", `${definition.id} does not speak MQTT`);
  if (message.base !== undefined && !isWithin(message.base, message.topic)) {
    throw new FieldwattError(
      "DECODE_INPUT_INVALID",
      `the topic ${message.topic} is not below ${message.base}`,
    );
  }
  if (message.payload.length > MAX_PAYLOAD)
    return problem("malformed", `the payload is longer than ${MAX_PAYLOAD} bytes`);
  return dialect.kind === "mqtt"
    ? decodeByRule(dialect, message, memory)
    : decodeUplink(definition, message, memory);
}

function decodeByRule(dialect: MqttDialect, message: DeviceMessage, memory: DeviceMemory): Decoded {
  const announced = memory.discovered.get(message.topic);
  if (announced) return decodeDiscovered(announced, textOf(message));
  const found = findRule(dialect, message.topic);
  if (!found) return NOTHING;
  const { rule } = found;
  switch (rule.form) {
    case "senml":
      return decodeSenml(rule, bytesOf(message), message.now);
    case "sparkplug":
      return decodeSparkplug(rule, { topic: message.topic, payload: bytesOf(message) }, memory.sparkplug);
    case "discovery":
      return learn(memory.discovered, message.topic, textOf(message));
    case "text":
      return decodeText(rule, channelOf(found, message.base), textOf(message));
    case "json":
    case "parts":
    case "uplink":
      return decodeJson(dialect, found, message, memory);
  }
}

const textOf = ({ payload }: DeviceMessage): string =>
  typeof payload === "string" ? payload : new TextDecoder().decode(payload);
const bytesOf = ({ payload }: DeviceMessage): Uint8Array =>
  typeof payload === "string" ? new TextEncoder().encode(payload) : payload;

function decodeText(rule: MqttMessageRule, channel: string | undefined, payload: string): Decoded {
  return joined(rule.points.map((point) => decodeValue(point, point.channel ?? channel, payload.trim())));
}

function decodeJson(
  dialect: MqttDialect,
  found: Found,
  message: DeviceMessage,
  memory: DeviceMemory,
): Decoded {
  const { rule } = found;
  if (rule.form === "json" && rule.points.length === 0) return NOTHING;
  const json = parseJson(textOf(message));
  if (json === undefined) return problem("malformed", `the payload on ${message.topic} is not JSON`);
  if (rule.form === "parts") return decodeParts(dialect, rule, json);
  const decoded = decodeJsonPoints(rule.points, channelOf(found, message.base), json);
  if (rule.form !== "uplink") return decoded;
  const uplink = uplinkOf(json);
  if (!uplink) return problem("malformed", `the message on ${message.topic} is no uplink`);
  return isNewUplink(memory, uplink.id) ? stamped(decoded, uplink) : NOTHING;
}

/** Every entry of the object is a message of its own; what the device file does not know gives nothing. */
function decodeParts(dialect: MqttDialect, rule: MqttMessageRule, json: unknown): Decoded {
  const parts = valueAt(json, rule.parts?.at ?? []);
  if (typeof parts !== "object" || parts === null) return NOTHING;
  const pieces = Object.entries(parts).map(([key, value]: [string, unknown]) => {
    const found = findRule(dialect, `${rule.parts?.as ?? ""}${key}`);
    return found?.rule.form === "json"
      ? decodeJsonPoints(found.rule.points, channelOf(found, undefined), value)
      : NOTHING;
  });
  return joined(pieces);
}

/** A LoRaWAN payload within the message of a network server, decoded here from its bytes. */
function decodeUplink(definition: DeviceDefinition, message: DeviceMessage, memory: DeviceMemory): Decoded {
  if (!message.topic.endsWith("/up")) return NOTHING;
  const uplink = uplinkOf(parseJson(textOf(message)));
  if (!uplink) return problem("malformed", `the message on ${message.topic} is no uplink`);
  // Port 0 carries commands of the network alone (LoRaWAN 1.0.4, 4.3.2).
  if (uplink.port === 0 || !isNewUplink(memory, uplink.id)) return NOTHING;
  if (!uplink.bytes) return problem("malformed", `the uplink on ${message.topic} has no payload in base64`);
  return stamped(decodeLorawan(definition, { bytes: uplink.bytes, port: uplink.port }), uplink);
}

/** Samples with the time of their reception, where they have none of their own. */
const stamped = ({ samples, problems }: Decoded, { time }: Uplink): Decoded => ({
  samples: time === undefined ? samples : samples.map((sample) => ({ time, ...sample })),
  problems,
});
