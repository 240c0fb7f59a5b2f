import { z } from "@hono/zod-openapi";
import { LANGUAGES } from "../../platform/web/index.ts";
import { adviceAnswer } from "../../protocol/messages.ts";
import { rightsSchema } from "../flows/rights.ts";
import { WRITES_MAX } from "../flows/writes.ts";
import { balanceSchema } from "./schemas.ts";

/** The shapes of the API for flows. */
const time = z.int().openapi({ description: "Milliseconds since 1970-01-01T00:00Z" });
const watts = z.number().nullable().openapi({ description: "W; null where unknown" });
const onOff = z.enum(["on", "off"]);
const id = z.string().min(1).max(200);

export const aboutSchema = z
  .object({
    site: z.string(),
    name: z.string().openapi({ description: "The token's name" }),
    rights: rightsSchema,
    timeZone: z.string(),
    now: time,
    speed: z
      .number()
      .openapi({ description: "Seconds of the gateway's clock in one second; 1 but in a demo" }),
    members: z.array(z.string()).openapi({ description: "Those that the token may read" }),
    virtualDevices: z.array(z.string()),
    actuators: z.array(z.string()),
  })
  .openapi("FlowsAbout");

export const readingEventSchema = z
  .object({
    cursor: z.string().openapi({ description: "Go on here; also the event's id" }),
    readings: z.array(
      z.object({
        stream: z.string(),
        time,
        value: z.number(),
        quality: z.enum(["ok", "stale", "sentinel", "implausible", "estimated"]),
        unit: z.string(),
        sequence: z.int().optional(),
      }),
    ),
  })
  .openapi("ReadingEvent");

export const writesSchema = z
  .strictObject({
    writes: z
      .array(
        z.strictObject({
          device: z.string().min(1).max(64),
          id: id.openapi({ description: "The flow's own: what comes again under it is the same reading" }),
          time: z.int().positive().optional().openapi({ description: "ms; the gateway's time where absent" }),
          values: z
            .record(z.string(), z.number())
            .refine((values) => {
              const count = Object.keys(values).length;
              return count > 0 && count <= 40;
            }, "one value or more, at most 40")
            .openapi({ description: "By quantity, each in its one unit: activePower W, tankLevel m, …" }),
        }),
      )
      .min(1)
      .max(WRITES_MAX),
  })
  .openapi("FlowWrites");

export const writtenSchema = z
  .object({ written: z.array(z.object({ id: z.string(), time })) })
  .openapi("FlowWritten", { description: "All of them are durable" });

export const flowBalanceSchema = z
  .object({
    of: z.string(),
    language: z
      .enum(LANGUAGES)
      .nullable()
      .openapi({ description: "That the member chose on the page; null where none was chosen" }),
    day: z.iso.date(),
    known: z.int().openapi({ description: "Quarter hours that are known" }),
    over: z.int().openapi({ description: "Quarter hours of the day that are over" }),
    balance: balanceSchema
      .nullable()
      .openapi({ description: "Of the known quarter hours; null without any" }),
    now: z
      .object({ using: watts, production: watts, grid: watts, battery: watts, asOf: time.nullable() })
      .openapi({ description: "Positive from the grid, positive out of the battery" }),
    intervals: z.array(z.object({ start: time, balance: balanceSchema.nullable() })),
  })
  .openapi("FlowBalance");

export const flowAdviceSchema = z
  .object({ member: z.string(), advice: adviceAnswer.nullable() })
  .openapi("FlowAdvice");

/** To whom an alert is, where it is to no one member. */
export const TO_OPERATOR = "operator";
export const TO_MEMBERS = "members";

export const alertSchema = z
  .strictObject({
    key: z
      .string()
      .min(1)
      .max(64)
      .openapi({ description: "What it is about: another under this key takes its place" }),
    to: z
      .string()
      .min(1)
      .max(64)
      .default(TO_OPERATOR)
      .openapi({
        description: `"${TO_OPERATOR}", a member, or "${TO_MEMBERS}": all whom the token may tell`,
      }),
    severity: z.enum(["info", "warning", "alarm"]).default("warning"),
    text: z.string().min(1).max(400),
    sms: z.boolean().default(false).openapi({ description: "Also as a short message, at most 160 letters" }),
  })
  .openapi("FlowAlert");

export const raisedSchema = z
  .object({
    sms: z.enum(["sending", "none", "noModem", "noNumber", "tooMany"]),
    members: z.int().optional().openapi({ description: "How many members it was said to" }),
  })
  .openapi("FlowAlertRaised");

export const commandSchema = z.strictObject({ state: onOff }).openapi("FlowCommand");

export const switchedSchema = z
  .object({
    outcome: z.enum(["switched", "held"]),
    renewWithinMs: z
      .int()
      .openapi({ description: "Say it again within this time, or the actuator goes to safe" }),
  })
  .openapi("FlowSwitched");

export const refusedSchema = z
  .object({
    error: z.string(),
    because: z.enum(["manualOverride", "interlock", "minimumOn", "minimumOff"]),
    stream: z.string().optional().openapi({ description: "Of the interlock that does not hold" }),
    waitMs: z.int().optional().openapi({ description: "Of the gateway's clock" }),
  })
  .openapi("FlowRefused");

export const actuatorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    is: z.enum(["on", "off", "unknown"]),
    since: time,
    override: onOff.nullable(),
    heldBy: z.string().nullable(),
    fault: z.string().nullable(),
  })
  .openapi("FlowActuator");

const figure = z.number().optional();

export const summarySchema = z
  .strictObject({
    member: z.string().min(1).max(64),
    day: z.iso.date().openapi({ description: "A civil day of the site that is over" }),
    farm: z
      .strictObject({
        ...{ airTemperatureMin: figure, airTemperatureMax: figure },
        ...{ relativeHumidityMin: figure, relativeHumidityMax: figure, windSpeedMean: figure },
        ...{ solarRadiation: figure, rainfall: figure, soilMoisture: figure },
        coverage: z.number().min(0).max(1),
      })
      .openapi({ description: "°C, %, m/s, MJ/m² and day, mm, m³/m³; what is unknown is left out" }),
  })
  .openapi("FlowSummary");

export const handedSchema = z
  .object({
    decision: z.enum(["release", "deny"]),
    offer: z.string().optional(),
    because: z.string().optional().openapi({ description: "Why it does not leave" }),
  })
  .openapi("FlowSummaryDecision");

export const faultSchema = z
  .strictObject({
    fault: z.string().min(1).max(200).openapi({
      description: "dead:DEVICE, slow:DEVICE:MS, noisy:DEVICE or shift:DEVICE:QUANTITY:AMOUNT",
      example: "dead:household-03-meter",
    }),
    seconds: z.int().min(1).max(3_600).default(60).openapi({ description: "Then it is well again" }),
  })
  .openapi("FlowFault");
