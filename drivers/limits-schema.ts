import { z } from "zod";
import { pointsOf } from "./schema.ts";

/** How a device file writes the limits of its values (limits.ts). */

/** In the file's `unit`. Outside is implausible: the value is kept, marked, and a problem tells it. */
export const valid = z.strictObject({
  min: z.number().optional(),
  max: z.number().optional(),
  maxStep: z.number().positive().optional(),
});

/**
 * How a counter behaves: `monotonic` only grows, and begins at 0 again after `modulus` (in `unit`); `daily` begins
 * again each day; `resettable` begins again whenever somebody says so.
 */
export const counter = z.strictObject({
  kind: z.enum(["monotonic", "daily", "resettable"]),
  modulus: z.number().positive().optional(),
});

const limit = z
  .strictObject({ unit: z.string().min(1), valid: valid.optional(), counter: counter.optional() })
  .refine((one) => (one.valid ?? one.counter) !== undefined, "give valid, counter or both");

/** The key of a device file whose points do not say it themselves. */
export const limited = { limits: pointsOf(limit).default({}) };
export type LimitsInFile = Readonly<Record<string, z.infer<typeof limit>>>;
