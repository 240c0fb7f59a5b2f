import { z } from "zod";
import { converter, isQuantity, QUANTITIES } from "../domain/model/index.ts";
import { RATIO_OR_PERCENT } from "./value.ts";

/**
 * The form of a device file, `devices/<maker>/<model>.yaml`. It is data, never code. Unknown keys are errors.
 *
 * Exactly one of `modbus`, `sunspec`, `serial`, `telegram`, `mqtt`, `lorawan`, `node` says how the device speaks. A point's key is
 * its quantity, with its channel after a dot: `voltage`, `voltage.L1`, `activePower.pv`. Phases are L1, L2, L3.
 * No channel means the device as a whole. `unit` is the unit in which the device gives the value (after `scale`).
 *
 * Nothing of a site stands here: no sign, no exchange of import and export; those belong to the mounting. Directions
 * are the device's own. A meter counts `activeEnergyImport` and `activeEnergyExport` as its registers are called. A
 * generator (inverter, charge controller) gives what it delivers as `activeEnergyExport`, and its `activePower` is
 * positive while it delivers.
 */
const text = z.string().min(1).max(500);
const id = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "use maker-model in lower-case letters, digits and hyphens");
export const address = z.int().min(0).max(65_535);
export const scale = z.number().refine((value) => value !== 0, "a scale of 0 gives nothing");
export const scaling = { unit: z.string().min(1), scale: scale.default(1) };

const fits = (quantity: string, unit: string): boolean =>
  isQuantity(quantity) &&
  (converter(quantity, unit) !== undefined || (unit === RATIO_OR_PERCENT && quantity === "powerFactor"));

/** A map of points, whose keys must be targets and whose units must measure the key's quantity. */
export function pointsOf<Point extends z.ZodType<{ unit: string }>>(point: Point) {
  return z.record(z.string(), point).superRefine((points, context) => {
    for (const [key, { unit }] of Object.entries(points)) {
      const [quantity = "", channel, ...rest] = key.split(".");
      const tell = (message: string): void => context.addIssue({ code: "custom", path: [key], message });
      if (!isQuantity(quantity))
        tell(`"${quantity}" is no quantity; use one of ${Object.keys(QUANTITIES).join(", ")}`);
      else if (rest.length > 0 || channel === "") tell(`write the channel of "${key}" as ${quantity}.L1`);
      else if (!fits(quantity, unit)) tell(`${quantity} cannot be given in "${unit}"`);
    }
  });
}

const test = z
  .strictObject({
    /** Where the expected values come from. */
    origin: text,
    registers: z.record(z.string(), z.string()).optional(),
    request: z.string().optional(),
    frame: z.string().optional(),
    hex: z.string().optional(),
    /** A serial stream of text, for example a readout. */
    text: z.string().optional(),
    topic: z.string().optional(),
    payload: z.string().optional(),
    /** The payload of a message in hex. */
    payloadHex: z.string().optional(),
    /** The LoRaWAN port of `hex`. */
    fport: z.int().min(0).max(255).optional(),
    gives: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
    problems: z.array(z.string()).optional(),
  })
  .refine(
    ({ registers, request, frame, hex, text, topic, payload, payloadHex }) =>
      registers ??
      hex ??
      text ??
      ((request !== undefined && frame !== undefined) ||
        (topic !== undefined && (payload ?? payloadHex) !== undefined)),
    "give registers, request and frame, hex, text, or topic and payload",
  );
export type TestInFile = z.infer<typeof test>;

export const common = {
  id,
  aliases: z.array(id).default([]),
  maker: text,
  model: text,
  source: text,
  notes: z.string().max(4000).optional(),
  /** The device is a source (an inverter, a charge controller): its power is positive while it delivers. */
  generator: z.boolean().default(false),
  tests: z.array(test).default([]),
};

/** How a device speaks, by the key that says so. */
export type FileForm = "modbus" | "sunspec" | "serial" | "telegram" | "mqtt" | "lorawan" | "node";

/** What every device file says. */
export type CommonFile = z.infer<z.ZodObject<typeof common>>;
