import { z } from "@hono/zod-openapi";
import { GRANULARITIES } from "../../domain/model/index.ts";
import { answer } from "../../protocol/messages.ts";

/** The shapes of the HTTP API: the OpenAPI document is made from these, and nothing else is sent. */
const time = z.int().openapi({ description: "Milliseconds since 1970-01-01T00:00Z" });
const wattHours = z.int().nonnegative().openapi({ description: "Wh" });
const watts = z.number().nullable().openapi({ description: "W; null where unknown" });

export const balanceSchema = z
  .object({
    import: wattHours,
    export: wattHours,
    production: wattHours,
    consumption: wattHours,
    charge: wattHours,
    discharge: wattHours,
    selfConsumption: wattHours,
  })
  .openapi("Balance", { description: "import + production + discharge = consumption + export + charge" });

export const dayBalanceSchema = z
  .object({
    day: z.iso.date(),
    start: time,
    end: time,
    known: z.int().openapi({ description: "Quarter hours that are known" }),
    over: z.int().openapi({ description: "Quarter hours of the day that are over" }),
    since: time.nullable().openapi({ description: "Start of the first known quarter hour" }),
    balance: balanceSchema
      .nullable()
      .openapi({ description: "Sum of the known quarter hours; null without any" }),
    selfConsumption: z.number().nullable().openapi({ description: "0 to 1; null where unknown" }),
    selfSufficiency: z.number().nullable().openapi({ description: "0 to 1; null where unknown" }),
  })
  .openapi("DayBalance");

export const intervalsSchema = z
  .object({
    day: z.iso.date(),
    intervals: z.array(
      z.object({
        start: time,
        balance: balanceSchema.nullable().openapi({ description: "null where unknown" }),
        provenance: z.enum(["counted", "integrated", "filled"]).nullable(),
      }),
    ),
  })
  .openapi("Intervals");

export const powerSchema = z
  .object({
    time,
    using: watts,
    production: watts,
    grid: watts.openapi({ description: "W; positive from the grid; null where unknown" }),
    battery: watts.openapi({ description: "W; positive out of the battery; null where unknown" }),
    asOf: time.nullable().openapi({ description: "Time of the oldest value behind the figures" }),
    asOfLocal: z.string().nullable().openapi({ description: "asOf in the site's zone, for people" }),
    version: z
      .string()
      .openapi({ description: "Changes when the record holds something new for this member" }),
  })
  .openapi("Power");

export const releasesSchema = z
  .object({
    day: z.iso.date(),
    count: z.int(),
    releases: z.array(
      z.object({
        sequence: z.int().positive(),
        released: time,
        offer: z.string(),
        recipient: z.string(),
        item: z.string().openapi({ description: "The bytes that left, as text" }),
        received: time.nullable().openapi({ description: "When the recipient's signed receipt came" }),
        tried: z.boolean().openapi({ description: "Whether it was ever handed to the wire" }),
        dropped: z
          .object({ time, because: z.string() })
          .nullable()
          .openapi({ description: "Taken out of the outbox before a receipt came: when, and why" }),
      }),
    ),
  })
  .openapi("Releases");

export const answersSchema = z.object({ answers: z.array(answer) }).openapi("Answers");

export const offersSchema = z
  .object({
    policyVersion: z.int().nullable(),
    offers: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        kind: z.enum(["energyInterval", "farmDay"]),
        purpose: z.string(),
        recipient: z.string(),
        retentionDays: z.int(),
        lane: z.enum(["ownAccount", "collective"]),
        granularity: z.enum(GRANULARITIES),
        shared: z.boolean().openapi({ description: "Whether this member's data passes the gate for it now" }),
        because: z.string().nullable().openapi({ description: "Why it does not" }),
        askedAgain: z
          .boolean()
          .openapi({ description: "The offer has grown since the member's yes, which no longer counts" }),
      }),
    ),
  })
  .openapi("Offers");

const sink = z.object({
  name: z.string(),
  connected: z.boolean(),
  behind: z.int().nullable().openapi({ description: "Readings that wait for it; null while not known" }),
  behindSeconds: z.int().openapi({ description: "Age of the newest reading that waits; 0 where none does" }),
});

export const devicesSchema = z
  .object({
    devices: z.array(
      z.object({
        id: z.string(),
        state: z.enum(["starting", "ok", "silent", "backingOff"]),
        lastReading: time.nullable(),
        failures: z.int(),
        error: z.string().nullable(),
        doubtful: z.record(z.string(), z.enum(["stale", "sentinel", "implausible", "estimated"])).openapi({
          description: "Values that it gives now and that do not count, by quantity: why not",
        }),
      }),
    ),
    broker: z
      .object({
        up: z.boolean(),
        restarts: z.int().openapi({ description: "How often it fell over since the gateway started" }),
        sharedClientIds: z.array(z.object({ clientId: z.string(), users: z.array(z.string()) })),
      })
      .nullable()
      .openapi({ description: "The village's MQTT broker; null where the site file names none" }),
    sinks: z
      .array(
        sink.extend({
          written: z.int().openapi({ description: "Readings since start; messages for Home Assistant" }),
          refused: z.int(),
          fault: z.string().nullable().openapi({ description: "What went wrong last" }),
          faultTime: time.nullable(),
        }),
      )
      .openapi({ description: "Where readings go besides the record" }),
    quarantine: z
      .array(
        z.object({
          device: z.string(),
          topic: z.string(),
          reason: z.string(),
          time: time.openapi({ description: "When it came last" }),
          times: z.int().positive(),
        }),
      )
      .openapi({ description: "Messages that could not be taken, newest first, at most 200" }),
  })
  .openapi("Devices");

export const healthSchema = z
  .object({
    status: z.enum(["ok", "failing"]),
    recordFailing: z.boolean(),
    record: z
      .object({
        state: z.enum(["committing", "failing"]),
        fault: z.enum(["disk full", "read-only", "input/output error", "damaged", "other"]).nullable(),
        says: z.string().nullable().openapi({ description: "What is wrong and what to do, in words" }),
        lastCommit: time.nullable().openapi({ description: "Of readings, since the start" }),
        diskFree: z.int().nullable().openapi({ description: "Bytes; null where the system does not tell" }),
        journalBytes: z.int(),
        readingsHot: z.int().openapi({ description: "Readings that are kept and not packed yet" }),
        blocks: z.int(),
        damagedBlocks: z.int().openapi({ description: "Met since the start; left out of every answer" }),
        damagedFrames: z.int().openapi({ description: "Commits that the journal had lost at the start" }),
        lastBackup: time.nullable(),
        restored: z.boolean().openapi({
          description: "It came out of a backup: nothing is released before a hub has said what it holds",
        }),
      })
      .openapi("Record"),
    policy: z
      .object({
        version: z.int().nullable(),
        hash: z.string().nullable(),
        because: z.string().nullable().openapi({ description: "Why none is in force: nothing is released" }),
      })
      .openapi("PolicyInForce"),
    clockTrusted: z.boolean(),
    clock: z.object({
      state: z.enum(["unset", "trusted", "holdover", "jumped"]),
      since: time.nullable().openapi({ description: "null while no time is known" }),
      source: z.enum(["ntp", "hub", "operator", "system", "village"]).nullable(),
      because: z.string(),
      undated: z.int().openapi({ description: "Readings that are kept and wait for their time" }),
    }),
    devices: z.object({ ok: z.int(), all: z.int() }),
    hub: z.enum(["none", "connected", "away"]),
    broker: z.enum(["none", "up", "down"]),
    outbox: z.int(),
    forgetting: z.object({ open: z.int(), suspended: z.array(z.string()) }).openapi({
      description: "Requests to delete without an answer, and who gets nothing more because of it",
    }),
    sinks: z.array(sink),
    witnesses: z
      .array(z.object({ name: z.string(), size: z.int(), of: z.int(), refuses: z.string().nullable() }))
      .openapi({ description: "Who cosigns the log of what left: how much of it, and why not" }),
    contradictions: z
      .int()
      .openapi({ description: "Heads of neighbours' logs that do not go with the last one" }),
  })
  .openapi("Health");

export const problemSchema = z.object({ error: z.string() }).openapi("Problem");

export const dayQuery = z.object({
  day: z.iso
    .date()
    .optional()
    .openapi({ description: "A civil day of the site; today where absent", example: "2026-06-15" }),
});
