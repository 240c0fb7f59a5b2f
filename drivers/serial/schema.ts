import { z } from "zod";
import { limited } from "../limits-schema.ts";
import { common, pointsOf, scaling } from "../schema.ts";

/** The form of device files whose device talks VE.Direct. */
const serialPoint = z.strictObject({ field: z.string().min(1), ...scaling });

export const serialFile = z.strictObject({
  ...common,
  serial: z.strictObject({ protocol: z.literal("vedirect"), baudRate: z.int().positive() }),
  points: pointsOf(serialPoint),
  ...limited,
});
