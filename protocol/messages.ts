import { z } from "zod";
import { RELEASE_UNITS } from "../domain/model/index.ts";
import { policyBody, policyKeptBody } from "./decided.ts";
import { erasedBody, erasureBody } from "./erasure.ts";

/**
 * What gateway and hub say to each other, version 1.
 *
 * Every message is an envelope, signed by its sender over the canonical JSON of everything but the signature.
 * Upwards a gateway numbers its items once and for ever (the outbox sequence), so that the hub can ignore what it
 * has and name what it misses. Downwards the hub numbers its answers in the same way.
 * Members travel as pseudonyms: only the gateway knows whose they are.
 */
const whole = z.int();
const wattHours = z.int().nonnegative();
const time = z.int().nonnegative();
const pseudonym = z.string().regex(/^[0-9a-f]{32}$/);

export const energyIntervalItem = z.strictObject({
  kind: z.literal("energyInterval"),
  subject: pseudonym,
  start: time,
  import: wattHours,
  export: wattHours,
  production: wattHours,
  consumption: wattHours,
  selfConsumption: wattHours,
  provenance: z.enum(["counted", "integrated", "filled"]),
});

export const farmDayItem = z.strictObject({
  kind: z.literal("farmDay"),
  subject: pseudonym,
  day: z.iso.date(),
  latitude: z.number().min(-90).max(90),
  elevation: z.number().min(-500).max(6000),
  windSensorHeight: z.number().positive().max(50),
  farm: z.strictObject({
    airTemperatureMin: z.number().optional(),
    airTemperatureMax: z.number().optional(),
    relativeHumidityMin: z.number().min(0).max(100).optional(),
    relativeHumidityMax: z.number().min(0).max(100).optional(),
    windSpeedMean: z.number().nonnegative().optional(),
    solarRadiation: z.number().nonnegative().optional(),
    rainfall: z.number().nonnegative().optional(),
    soilMoisture: z.number().min(0).max(1).optional(),
    coverage: z.number().min(0).max(1),
  }),
});

/** Corrections only: what was told of this quarter hour does not hold, and nothing is known in its place. */
export const energyUnknownItem = z.strictObject({
  kind: z.literal("energyUnknown"),
  subject: pseudonym,
  start: time,
});

/** A sum over a group of members. It names nobody, so it has no pseudonym. */
export const groupStatisticItem = z.strictObject({
  kind: z.literal("groupStatistic"),
  of: z.enum(["energyInterval", "farmDay"]),
  from: time,
  to: time,
  /** In whole units of `unit`, clamped and rounded by the offer's rule; noise may take it below zero. */
  value: whole,
  unit: z.enum(RELEASE_UNITS),
  /** How many are in an exact sum. A noisy one does not say: that a member left would show. */
  members: z.int().positive().optional(),
  /** Of the noise, a fraction such as 1/2; absent for an exact sum. */
  epsilon: z.string().max(20).optional(),
});
export type GroupStatisticItem = z.infer<typeof groupStatisticItem>;

export const summaryItem = z.discriminatedUnion("kind", [
  energyIntervalItem,
  farmDayItem,
  energyUnknownItem,
  groupStatisticItem,
]);
export type SummaryItem = z.infer<typeof summaryItem>;

export const outboxItem = z.strictObject({
  /** The outbox sequence: 1, 2, 3, … without gaps, never reused. */
  sequence: z.int().positive(),
  offer: z.string().min(1).max(100),
  purpose: z.string().min(1).max(200),
  policyVersion: z.int().positive(),
  /** Days that the recipient may keep it, as was agreed; then it deletes it by itself. */
  retentionDays: z.int().positive().max(3660).optional(),
  summary: summaryItem,
  /** The first telling of a summary has neither of these; a correction is version 2, 3, … */
  version: z.int().min(2).optional(),
  /** The sequence of the item that it corrects: the version before. */
  corrects: z.int().positive().optional(),
});
export type OutboxItem = z.infer<typeof outboxItem>;

/** Largest number of items in a batch, so that a message stays far below the brokers' packet limits. */
export const BATCH_ITEMS_MAX = 200;
/** Largest message either side accepts, bytes. */
export const MESSAGE_BYTES_MAX = 256 * 1024;

const hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** The head of the gateway's egress log, for the hub to cosign as a witness. */
export const logHead = z.strictObject({
  /** A signed checkpoint (c2sp.org/tlog-checkpoint) under `egressLogName`. */
  head: z.string().max(2_000),
  /** The size from which `proof` shows that the log only grew (RFC 6962, 2.1.2); 0 with the first head. */
  from: z.int().nonnegative(),
  proof: z.array(hash).max(64),
});

/** The hub's word on it: its cosignature, or how far it knows the log and why it does not follow. */
export const witnessReply = z.union([
  z.strictObject({ size: z.int().positive(), line: z.string().max(1_000) }),
  z.strictObject({ size: z.int().nonnegative(), because: z.string().max(300) }),
]);

/** Ranges of sequences, both ends included, that were taken back before they left: the hub need not miss them. */
export const DROPPED_RANGES_MAX = 100;
const droppedRanges = z
  .array(
    z
      .tuple([z.int().positive(), z.int().positive()])
      .refine(([first, last]) => first <= last, "A range begins before it ends"),
  )
  .max(DROPPED_RANGES_MAX);
export type DroppedRanges = z.infer<typeof droppedRanges>;

export const batchBody = z.strictObject({
  kind: z.literal("batch"),
  items: z.array(outboxItem).max(BATCH_ITEMS_MAX),
  /**
   * Every energy interval before this instant that will ever leave is in this batch or an earlier one, but for
   * corrections. It lets the hub clear a slot without waiting for a clock.
   */
  completeThrough: time,
  /** The last answer that this gateway has kept. */
  answersThrough: whole.nonnegative(),
  log: logHead.optional(),
  /** Asks for the list of what the hub holds, from this sequence on. */
  list: z.int().positive().optional(),
  dropped: droppedRanges.optional(),
  /** The gateway's record came out of a backup: it asks for `highest`, and for the answers that it has lost. */
  restored: z.literal(true).optional(),
});
export type BatchBody = z.infer<typeof batchBody>;

export const receiptBody = z.strictObject({
  kind: z.literal("receipt"),
  /** What the hub now holds of the batch that this answers: sequence and SHA-256 of the item's canonical JSON. */
  received: z.array(
    z.strictObject({ sequence: z.int().positive(), digest: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
  /** Ranges, both ends included, that the hub has never seen below the highest that it has. */
  gaps: z.array(z.tuple([whole, whole])).max(100),
  witness: witnessReply.optional(),
  /** The highest sequence that the hub knows of the gateway, where it was asked; 0 for none. */
  highest: whole.nonnegative().optional(),
  /** What the batch said was dropped, now that the hub knows it. */
  dropped: droppedRanges.optional(),
});
export type ReceiptBody = z.infer<typeof receiptBody>;

/** Items that one list names. */
export const LIST_ITEMS_MAX = 1_000;

/** All that the hub holds of a gateway in a range of sequences, also what the gateway may not know that it sent. */
export const receivedBody = z.strictObject({
  kind: z.literal("received"),
  from: z.int().positive(),
  /** The end of the range, included; null: nothing is held beyond `held`. */
  through: z.int().positive().nullable(),
  held: z
    .array(z.strictObject({ sequence: z.int().positive(), digest: z.string().regex(/^[0-9a-f]{64}$/) }))
    .max(LIST_ITEMS_MAX),
});
export type ReceivedBody = z.infer<typeof receivedBody>;

/** One member's part of one cleared quarter hour. Money is whole minor units; `paid` by, `received` by the member. */
export const clearingAnswer = z.strictObject({
  kind: z.literal("clearing"),
  subject: pseudonym,
  slot: time,
  rule: z.literal("mid-market-rate"),
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Minor units a kWh: what the grid charges, pays, and what members trade at (twice the mid, so that it is whole). */
  retail: whole,
  feedIn: whole,
  twiceMid: whole,
  boughtWh: wattHours,
  soldWh: wattHours,
  fromVillageWh: wattHours,
  toVillageWh: wattHours,
  paid: whole,
  received: whole,
});
export type ClearingAnswer = z.infer<typeof clearingAnswer>;

export const adviceAnswer = z.strictObject({
  kind: z.literal("advice"),
  subject: pseudonym,
  day: z.iso.date(),
  model: z.literal("fao56-penman-monteith-daily"),
  modelVersion: z.string(),
  /** Reference evapotranspiration, mm a day; absent when it is unknown, and `unknownBecause` says why. */
  referenceEvapotranspiration: z.number().optional(),
  unknownBecause: z.string().optional(),
  inputs: z.record(z.string(), z.number()),
  /** What stood in for what no sensor gave, for example "wind 2 m/s (FAO-56 p. 63)". */
  fallbacks: z.array(z.string()),
});
export type AdviceAnswer = z.infer<typeof adviceAnswer>;

export const answer = z.discriminatedUnion("kind", [clearingAnswer, adviceAnswer]);
export type Answer = z.infer<typeof answer>;

/** Stands where an answer stood that the hub has forgotten: answers keep their numbers. */
export const forgottenAnswer = z.strictObject({ kind: z.literal("forgotten") });
export const toldAnswer = z.discriminatedUnion("kind", [clearingAnswer, adviceAnswer, forgottenAnswer]);
export type ToldAnswer = z.infer<typeof toldAnswer>;

export const answersBody = z.strictObject({
  kind: z.literal("answers"),
  answers: z.array(z.strictObject({ sequence: z.int().positive(), answer: toldAnswer })).max(BATCH_ITEMS_MAX),
});
export type AnswersBody = z.infer<typeof answersBody>;

export const body = z.discriminatedUnion("kind", [
  batchBody,
  receiptBody,
  answersBody,
  receivedBody,
  erasureBody,
  erasedBody,
  policyBody,
  policyKeptBody,
]);
export type Body = z.infer<typeof body>;

export const envelope = z.strictObject({
  version: z.literal(1),
  from: z.string().min(1).max(64),
  to: z.string().min(1).max(64),
  /** The sender's time, for people; order is by sequences. */
  sent: time,
  body,
  signature: z.string().max(100),
});
export type Envelope = z.infer<typeof envelope>;

/** MQTT topics of the link, one pair a gateway. */
export const topics = {
  up: (gateway: string) => `fieldwatt/v1/${gateway}/up`,
  down: (gateway: string) => `fieldwatt/v1/${gateway}/down`,
};
