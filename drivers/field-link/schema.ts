import { z } from "zod";
import { limited } from "../limits-schema.ts";
import { common, pointsOf, scaling } from "../schema.ts";

/** The form of device files whose device is a node on the field link. */
const nodePoint = z.strictObject({ from: z.string().min(1).max(12), ...scaling });

export const nodeFile = z.strictObject({
  ...common,
  node: z.strictObject({ baudRate: z.int().positive().default(38_400) }),
  points: pointsOf(nodePoint),
  ...limited,
});
