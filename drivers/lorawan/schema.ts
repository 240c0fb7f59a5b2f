import { z } from "zod";
import { limited } from "../limits-schema.ts";
import { common, pointsOf, scaling } from "../schema.ts";
import { LORAWAN_CODECS, LORAWAN_TYPES } from "./dialect.ts";

/** The form of device files whose device sends LoRaWAN payloads. */
const byte = z.int().min(0).max(255);
const lorawanPoint = z.strictObject({
  field: z.string().default(""),
  at: byte.default(0),
  as: z.enum(LORAWAN_TYPES),
  ...scaling,
  mask: z.int().positive().max(0x7fffffff).optional(),
  offset: z.number().default(0),
  sentinels: z.array(z.int().min(0)).default([]),
  valid: z.tuple([z.number(), z.number()]).optional(),
  when: z.strictObject({ at: byte, mask: byte, is: byte }).optional(),
  quality: z.literal("estimated").optional(),
});

export const lorawanFile = z.strictObject({
  ...common,
  lorawan: z.strictObject({
    codec: z.enum(LORAWAN_CODECS),
    ports: z.array(byte).default([]),
    lengths: z.array(byte).default([]),
    sizes: z.record(z.string(), z.int().min(0).max(64)).default({}),
    points: pointsOf(lorawanPoint),
    /** Further places of the same targets: a newer resolution, an alarm, a logger's backlog. */
    also: z.array(pointsOf(lorawanPoint)).max(20).default([]),
  }),
  ...limited,
});
export type LorawanFile = z.infer<typeof lorawanFile>;
