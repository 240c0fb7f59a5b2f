import { z } from "zod";
import { counter, limited, valid } from "../limits-schema.ts";
import { address, common, pointsOf, scale, scaling } from "../schema.ts";
import { ORDERS, WORD_COUNTS, type WordType } from "./words.ts";

/** The forms of device files whose device has Modbus registers: `modbus` with addresses, `sunspec` by discovery. */
const wordType = z.enum(Object.keys(WORD_COUNTS) as [WordType, ...WordType[]]);
const order = z.enum(ORDERS);
const table = z.enum(["input", "holding"]);
const name = z
  .string()
  .max(40)
  .regex(/^[a-zA-Z][a-zA-Z0-9-]*$/, "use letters, digits and hyphens");
const pattern = z.union([z.int().min(0), z.string().regex(/^0x[0-9a-f]{1,16}$/i, "write hex as 0x8000")]);

/** What a variant may change of its point. */
const change = {
  at: address.optional(),
  as: wordType.optional(),
  order: order.optional(),
  scale: scale.optional(),
  offset: z.number().optional(),
  valid: valid.optional(),
};

/** Another layout, where a register says so (firmware, model) or where the site file chose the option. */
const variant = z
  .strictObject({
    /** A name of `registers`; with `is`, `min`, `max`. */
    register: name.optional(),
    is: z.union([z.int(), z.array(z.int()).min(1)]).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    /** A name of `options`. */
    option: name.optional(),
    ...change,
  })
  .refine((one) => (one.register === undefined) !== (one.option === undefined), {
    message: "name either a register or an option",
  })
  .refine(
    (one) =>
      (one.register !== undefined) ===
      (one.is !== undefined || one.min !== undefined || one.max !== undefined),
    { message: "say what the register must be: is, min or max" },
  );

const modbusPoint = z
  .strictObject({
    /** Wire address of the first register, 0-based. */
    at: address.optional(),
    /** Instead of `at`: where the words stand that are no neighbours, highest first. */
    parts: z.array(address).min(2).max(4).optional(),
    as: wordType,
    ...scaling,
    /** Added after `scale`, in `unit`. */
    offset: z.number().default(0),
    table: table.optional(),
    order: order.optional(),
    /** Bit patterns that mean "no value". */
    sentinels: z.array(pattern).default([]),
    /** The value is × 10 to the power of this register (a name of `registers`). */
    power10: name.optional(),
    /** The value is × these registers (transformer ratios). */
    times: z.array(name).min(1).max(4).optional(),
    when: z.array(variant).max(8).optional(),
    valid: valid.optional(),
    counter: counter.optional(),
    /** Points of one group are read in one request, so that they belong together. */
    atomic: name.optional(),
    /** The device stores this number but does not measure it (N, P and K of many probes): its quality is `estimated`. */
    notMeasured: z.boolean().optional(),
  })
  .refine((point) => (point.at === undefined) !== (point.parts === undefined), {
    message: "give either at, or the parts of a value whose words are no neighbours",
  })
  .refine((point) => point.parts === undefined || point.parts.length === WORD_COUNTS[point.as], {
    message: "the parts are not as many as the words of the type",
    path: ["parts"],
  });

/** A register that other points depend on, and that is no reading itself. */
const helperRegister = z.strictObject({
  at: address,
  as: wordType.default("uint16"),
  scale: scale.default(1),
  table: table.optional(),
  order: order.optional(),
});

/** What the wire and the device ask for; the site file may say otherwise for its own lines. */
const line = {
  // Modbus Application Protocol 1.1b3, 6.3 and 6.4: a reply holds at most 125 registers.
  maxRegisters: z.int().min(4).max(125).default(125),
  minGapMs: z.int().min(0).max(5000).default(0),
  /** Quiet time after connecting. */
  connectDelayMs: z.int().min(0).max(30_000).default(0),
  timeoutMs: z.int().min(50).max(60_000).optional(),
  /** The unit as it leaves the works. */
  unit: z.int().min(0).max(255).optional(),
  /** The serial line as it leaves the works. */
  serial: z
    .strictObject({
      baudRate: z.int().positive(),
      parity: z.enum(["none", "even", "odd"]).default("none"),
      stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
    })
    .optional(),
  framing: z
    .array(z.enum(["tcp", "rtu", "rtu-over-tcp", "udp"]))
    .min(1)
    .optional(),
};

const modbusShape = z.strictObject({
  ...common,
  modbus: z.strictObject({
    table,
    order: order.default("ABCD"),
    /** Functions 3 and 4 read the same registers. */
    sameTables: z.boolean().default(false),
    /** Registers without a point that one request may read over. */
    maxGap: z.int().min(0).max(100).default(0),
    /** Addresses, or [first, last], that must never be read. */
    forbidden: z
      .array(z.union([address, z.tuple([address, address])]))
      .max(100)
      .default([]),
    ...line,
  }),
  registers: z.record(name, helperRegister).default({}),
  /** What a site file may choose for this device, and what it means. */
  options: z.record(name, z.string().min(1).max(200)).default({}),
  points: pointsOf(modbusPoint),
});
export type ModbusFile = z.infer<typeof modbusShape>;
export const modbusFile = modbusShape.superRefine(checkReferences).superRefine(checkAddresses);
type PointInFile = ModbusFile["points"][string];

interface Told {
  readonly path: PropertyKey[];
  readonly message: string;
}
const tell = (context: z.RefinementCtx, told: readonly Told[]): void => {
  for (const { path, message } of told) context.addIssue({ code: "custom", path, message });
};

/** Every name that a point calls must be there. */
function checkReferences(file: ModbusFile, context: z.RefinementCtx): void {
  const known = (kind: "registers" | "options", called: string | undefined, path: PropertyKey[]): Told[] =>
    called === undefined || Object.hasOwn(file[kind], called)
      ? []
      : [{ path, message: `there is no "${called}" in ${kind}` }];
  for (const [key, point] of Object.entries(file.points)) {
    const at = ["points", key];
    tell(context, [
      ...known("registers", point.power10, [...at, "power10"]),
      ...(point.times ?? []).flatMap((called, index) => known("registers", called, [...at, "times", index])),
      ...(point.when ?? []).flatMap((one, index) => [
        ...known("registers", one.register, [...at, "when", index, "register"]),
        ...known("options", one.option, [...at, "when", index, "option"]),
      ]),
    ]);
  }
}

/** First and last register of a point, in each of its variants. */
function spansOf(point: PointInFile): (readonly [number, number])[] {
  const base = point.parts ?? (point.at === undefined ? [] : [point.at]);
  const width = point.parts ? 1 : WORD_COUNTS[point.as];
  const layouts = (point.when ?? []).filter((one) => one.at !== undefined || one.as !== undefined);
  return [
    ...base.map((at) => [at, at + width - 1] as const),
    ...layouts.map((one) => {
      const at = one.at ?? base[0] ?? 0;
      return [at, at + WORD_COUNTS[one.as ?? point.as] - 1] as const;
    }),
  ];
}

/** No point lies on a forbidden address, and every atomic group fits in one request. */
function checkAddresses(file: ModbusFile, context: z.RefinementCtx): void {
  const { forbidden, maxRegisters } = file.modbus;
  const ranges = forbidden.map((one) => (typeof one === "number" ? ([one, one] as const) : one));
  const isForbidden = ([first, last]: readonly [number, number]): boolean =>
    ranges.some(([from, to]) => first <= to && last >= from);
  const groups = new Map<string, { span: [number, number]; key: string }>();
  for (const [key, point] of Object.entries(file.points)) {
    const spans = spansOf(point);
    if (spans.some(([, last]) => last > 0xffff))
      tell(context, [{ path: ["points", key], message: "ends after the last register, 65535" }]);
    if (spans.some(isForbidden))
      tell(context, [{ path: ["points", key], message: "lies on a forbidden address" }]);
    if (point.atomic === undefined) continue;
    const span = groups.get(point.atomic)?.span ?? [0xffff, 0];
    groups.set(point.atomic, {
      span: [Math.min(span[0], ...spans.map(([at]) => at)), Math.max(span[1], ...spans.map(([, to]) => to))],
      key,
    });
  }
  for (const { span, key } of groups.values()) {
    if (span[1] - span[0] + 1 > maxRegisters || isForbidden(span)) {
      const message = "its atomic group does not fit in one request";
      tell(context, [{ path: ["points", key, "atomic"], message }]);
    }
  }
}

const sunspecPoint = z.strictObject({
  at: address,
  as: wordType,
  /** Register of the scale factor; in a repeating block that of the model's fixed part. */
  sf: address.optional(),
  ...scaling,
});

/** Blocks that come again at the end of a model; `n` in the channel is the block's number, from 1. */
const repeat = z.strictObject({
  at: address,
  every: z.int().min(1).max(200),
  points: pointsOf(sunspecPoint),
});
const sunspecModel = z.strictObject({
  ids: z.array(z.int().min(1)).min(1),
  /** Only the edition of the model with this length. */
  length: z.int().min(1).optional(),
  points: pointsOf(sunspecPoint).default({}),
  repeat: repeat.optional(),
});

export const sunspecFile = z.strictObject({
  ...common,
  sunspec: z.strictObject({
    bases: z.array(address).min(1).max(8),
    ...line,
    models: z.array(sunspecModel).min(1).max(50),
  }),
  ...limited,
});
export type SunspecFile = z.infer<typeof sunspecFile>;
