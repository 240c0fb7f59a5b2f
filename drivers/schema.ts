import { z } from "zod";
import { converter, isQuantity, QUANTITIES } from "../domain/model/index.ts";
import { ORDERS, WORD_COUNTS, type WordType } from "./modbus/words.ts";

/**
 * The form of a device file, `devices/<maker>/<model>.yaml`. It is data, never code. Unknown keys are errors.
 *
 * Exactly one of `modbus`, `sunspec`, `serial`, `mqtt` says how the device speaks. A point's key is
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
const address = z.int().min(0).max(65_535);
const wordType = z.enum(Object.keys(WORD_COUNTS) as [WordType, ...WordType[]]);
const order = z.enum(ORDERS);
const table = z.enum(["input", "holding"]);
const scale = z.number().refine((value) => value !== 0, "a scale of 0 gives nothing");
const scaling = { unit: z.string().min(1), scale: scale.default(1) };

/** SunSpec says "Pct" for a power factor and half of the makers send a ratio: more than 1 is percent. */
export const RATIO_OR_PERCENT = "ratio or %";

const fits = (quantity: string, unit: string): boolean =>
  isQuantity(quantity) &&
  (converter(quantity, unit) !== undefined || (unit === RATIO_OR_PERCENT && quantity === "powerFactor"));

/** A map of points, whose keys must be targets and whose units must measure the key's quantity. */
function pointsOf<Point extends z.ZodType<{ unit: string }>>(point: Point) {
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

const test = z.strictObject({
  /** Where the expected values come from. */
  origin: text,
  registers: z.record(z.string(), z.string()).optional(),
  request: z.string().optional(),
  frame: z.string().optional(),
  hex: z.string().optional(),
  topic: z.string().optional(),
  payload: z.string().optional(),
  gives: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  problems: z.array(z.string()).optional(),
});
export type TestInFile = z.infer<typeof test>;

const common = {
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

const modbusPoint = z.strictObject({
  at: address,
  as: wordType,
  ...scaling,
  table: table.optional(),
  order: order.optional(),
  sentinels: z.array(z.int().min(0)).default([]),
});

export const modbusFile = z.strictObject({
  ...common,
  modbus: z.strictObject({
    table,
    order: order.default("ABCD"),
    // Modbus Application Protocol 1.1b3, 6.3 and 6.4: a reply holds at most 125 registers.
    maxRegisters: z.int().min(4).max(125).default(125),
    maxGap: z.int().min(0).max(100).default(0),
    minGapMs: z.int().min(0).max(5000).default(0),
  }),
  points: pointsOf(modbusPoint),
});

const sunspecPoint = z.strictObject({ at: address, as: wordType, sf: address.optional(), ...scaling });
const sunspecModel = z.strictObject({ ids: z.array(z.int().min(1)).min(1), points: pointsOf(sunspecPoint) });

export const sunspecFile = z.strictObject({
  ...common,
  sunspec: z.strictObject({
    bases: z.array(address).min(1).max(8),
    models: z.array(sunspecModel).min(1).max(50),
  }),
});

const serialPoint = z.strictObject({ field: z.string().min(1), ...scaling });

export const serialFile = z.strictObject({
  ...common,
  serial: z.strictObject({ protocol: z.literal("vedirect"), baudRate: z.int().positive() }),
  points: pointsOf(serialPoint),
});

const oneOrMore = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((one) => [one].flat());
const mqttPoint = z.strictObject({ from: oneOrMore.optional(), ...scaling });
const mqttMessage = z.strictObject({
  topic: z.string().min(1),
  form: z.enum(["json", "text", "senml", "parts"]).default("json"),
  index: z.enum(["part", "phase"]).optional(),
  parts: z.strictObject({ at: z.string().min(1), as: z.string() }).optional(),
  points: pointsOf(mqttPoint).default({}),
});

export const mqttFile = z.strictObject({
  ...common,
  mqtt: z.strictObject({ messages: z.array(mqttMessage).min(1).max(100) }),
});

/** How a device speaks, by the key that says so. */
export type FileForm = "modbus" | "sunspec" | "serial" | "mqtt";

/** What every device file says. */
export type CommonFile = z.infer<z.ZodObject<typeof common>>;
