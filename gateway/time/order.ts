import { z } from "zod";

/** The form of a person's order about the time (orders.ts). */
const time = z.int().nonnegative();
export const orderSchema = z.discriminatedUnion("kind", [
  /** It is `time` at `uptime` of this boot. `earlier`: also where the record holds later entries. */
  z.strictObject({
    kind: z.literal("set"),
    boot: z.string(),
    uptime: z.number(),
    time,
    earlier: z.boolean(),
  }),
  /** The boot began at `bootTime`. */
  z.strictObject({ kind: z.literal("date"), boot: z.string(), bootTime: time }),
  z.strictObject({ kind: z.literal("discard"), boot: z.string() }),
]);
export type ClockOrder = z.infer<typeof orderSchema>;
