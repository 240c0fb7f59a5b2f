import { z } from "zod";
import { limited } from "../limits-schema.ts";
import { common, pointsOf, scaling } from "../schema.ts";
import { MQTT_FORMS } from "./dialect.ts";

/** The form of device files whose device speaks MQTT. */
const oneOrMore = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((one) => [one].flat());
const mqttPoint = z.strictObject({
  /** "a.b", or the JSON pointer "/a/b" (RFC 6901) where a key holds a dot. */
  from: oneOrMore.optional(),
  ...scaling,
});
const mqttMessage = z.strictObject({
  topic: z.string().min(1),
  form: z.enum(MQTT_FORMS).default("json"),
  index: z.enum(["part", "phase"]).optional(),
  parts: z.strictObject({ at: z.string().min(1), as: z.string() }).optional(),
  points: pointsOf(mqttPoint).default({}),
});

export const mqttFile = z.strictObject({
  ...common,
  mqtt: z.strictObject({ messages: z.array(mqttMessage).min(1).max(100) }),
  ...limited,
});
export type MqttFile = z.infer<typeof mqttFile>;
