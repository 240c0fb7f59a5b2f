import type { Scaling } from "../value.ts";

export interface MqttDialect {
  readonly kind: "mqtt";
  readonly messages: readonly MqttMessageRule[];
}

/** What one kind of message carries; the first rule whose topic fits is the one. */
export interface MqttMessageRule {
  /** The end of the topic: `+` is any level, `*` inside a level is a number. */
  readonly topic: string;
  readonly form: MqttForm;
  /** What the number of `*` means: a part of the device, or a phase. */
  readonly index?: "part" | "phase";
  /** Form `parts`: where the object is whose every entry is a message of its own, under the topic `as` + its key. */
  readonly parts?: { readonly at: readonly string[]; readonly as: string };
  readonly points: readonly MqttPoint[];
}

/**
 * `json`: points are paths. `text`: the payload is the one number. `parts`: an object of messages. `senml`: RFC 8428,
 * JSON or CBOR. `sparkplug`: Sparkplug B. `uplink`: a LoRaWAN network server's JSON, read by paths, with the time of
 * its reception. `discovery`: a Home Assistant config message, which teaches what other topics carry.
 */
export const MQTT_FORMS = ["json", "text", "parts", "senml", "sparkplug", "uplink", "discovery"] as const;
export type MqttForm = (typeof MQTT_FORMS)[number];

export interface MqttPoint extends Scaling {
  /** JSON paths, SenML names or Sparkplug metrics; the first that is there counts. */
  readonly from: readonly (readonly string[])[];
}
