import { z } from "zod";
import { instant } from "../../domain/model/index.ts";
import { SAID_MAX } from "./said.ts";

/** The form of a node's file in the book (book.ts). */

const whole = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const time = z.number().transform(instant);
const line = z.strictObject({
  boot: whole,
  from: whole,
  tick: whole,
  time,
  msPerTick: z.number().positive(),
  since: whole,
  doubtful: z.literal(true).optional(),
});
const said = z.strictObject({
  sequence: whole,
  time,
  kind: z.string().max(40),
  detail: z.string().max(200),
});
export const entrySchema = z.strictObject({
  number: whole.min(1),
  /** 16 bytes in hex. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  hardware: z.string().max(12),
  firmware: z.string().max(12),
  /** Which image runs and which the node ran before, where the gateway sent it one. */
  counter: whole.default(0),
  provisioned: time,
  lines: z.array(line).max(600).default([]),
  /** Samples up to this may be dated by the lines that are there. */
  datedThrough: whole.default(0),
  /** Samples up to this are in the record, for sure. */
  through: whole.default(0),
  said: z.array(said).max(SAID_MAX).default([]),
});
export type NodeEntry = Readonly<z.infer<typeof entrySchema>>;
