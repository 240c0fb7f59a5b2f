import { z } from "zod";
import { MOUNTINGS } from "../../domain/model/index.ts";
import type { WrittenConnection } from "../../drivers/index.ts";
import { flowsProblems, flowsSchema, phoneNumber } from "../flows/settings.ts";
import { governanceProblems, governanceSchema } from "../governance/settings.ts";
import { nodesSchema } from "../nodes/settings.ts";
import { sinkProblems, sinksSchema } from "../sinks/settings.ts";
import { STREAM_CLASSES } from "../record/retention/classes.ts";
import { duration } from "./duration.ts";
import { ERASURE_DAYS } from "../erasure/days.ts";
import { treeProblems } from "./tree.ts";
import { host, port, serialLine, slave } from "./wire-words.ts";

/**
 * The site file: one YAML file that says what hangs where, whose it is and who may hear of it. Unknown keys are
 * errors, so that a misspelt setting never passes for a default.
 */
const id = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "use lower-case letters, digits and hyphens, for example house-07-meter");
const listen = { host: z.string().default("127.0.0.1"), port };

const timeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, "use an IANA time zone, for example Africa/Nairobi");

/**
 * The framing of Modbus is a part of the kind: a wire does not show it, and a wrong guess reads nothing. Units and
 * settings of a serial line that are left out are those of the device file (drivers/connection.ts).
 */
export const connection = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("modbus-tcp"),
    host,
    port: port.default(502),
    unit: z.int().min(0).max(255).optional(),
  }),
  z.strictObject({ kind: z.literal("modbus-rtu-over-tcp"), host, port, unit: slave.optional() }),
  /** GoodWe: 8899 is the factory's setting. */
  z.strictObject({
    kind: z.literal("modbus-udp"),
    host,
    port: port.default(8899),
    unit: slave.optional(),
  }),
  z.strictObject({ kind: z.literal("modbus-rtu"), ...serialLine, unit: slave.optional() }),
  z.strictObject({
    kind: z.literal("serial"),
    path: z.string().min(1),
    /** The device file's own where absent. */
    baudRate: z.int().positive().optional(),
    /** Of one meter among several on the line, as its protocol writes it. */
    address: z
      .string()
      .regex(/^[0-9A-Za-z]{1,32}$/, "an address is letters and digits")
      .optional(),
  }),
  z.strictObject({
    kind: z.literal("mqtt"),
    /** The topic space of the device on the village broker: its messages are below it. */
    topic: z
      .string()
      .min(1)
      .regex(/^[^+#]+$/, "a topic of one device has no wildcard"),
  }),
  z.strictObject({ kind: z.literal("virtual") }),
]) satisfies z.ZodType<WrittenConnection>;

const device = z.strictObject({
  id,
  /** The id of a device file, for example eastron-sdm120. */
  device: z.string().min(1),
  /** Options that its device file lists, for example a probe's range. */
  options: z.array(z.string().min(1)).max(16).default([]),
  member: id.optional(),
  mounting: z.enum(MOUNTINGS),
  /** The device that this one's energy flows through: a house's meter under the feeder, a sub-meter under the house's. */
  under: id.optional(),
  /** W: the most that can flow here. A register that counts faster has jumped. */
  ratedPower: z.number().positive().max(1e9).optional(),
  /** The current transformers or the wiring point the other way: import and export change places. */
  reversed: z.boolean().default(false),
  interval: duration.default(10_000),
  connection,
  /** For a weather station: height of the anemometer, m. */
  windSensorHeight: z.number().positive().max(50).default(2),
});

const member = z.strictObject({
  id,
  name: z.string().min(1).max(80),
  /** For short messages of flows, where the member wants them. */
  phone: phoneNumber.optional(),
});

/** Who may vouch for the time without a person (decision 0009). */
const clock = z.strictObject({ trust: z.enum(["system", "ntp", "operator"]).default("system") });

/** A minute at most: what was polled and is not committed is lost in a power cut. */
const commitInterval = duration.refine((ms) => ms <= 60_000, "a minute is the most");

/** "400 d" as milliseconds. */
const days = z
  .string()
  .regex(/^[1-9]\d{0,4} d$/, 'write a number of days, for example "400 d"')
  .transform((text) => Number.parseInt(text, 10) * 86_400_000);

const record = z.strictObject({
  /**
   * How long readings of polled devices may wait to share a commit: fewer writes, a longer life of the SD card. What
   * waits was acknowledged to nobody; a power cut loses at most these readings. Published ones never wait.
   */
  commitInterval: commitInterval.default(1_000),
  /** How long readings are kept, by what they measure; their roll-ups stay. A class that is not named is kept for ever. */
  retention: z.partialRecord(z.enum(STREAM_CLASSES), days).default({}),
});

/** A neighbour's gateway: its id, and its Ed25519 public key as `fieldwatt gateway key` prints it, base64url. */
const neighbour = z.strictObject({ id, publicKey: z.string().length(43) });
/** Where it takes heads: the address of its pages, and /witness (c2sp.org/tlog-witness). */
const witness = neighbour.extend({ url: z.url({ protocol: /^https?$/ }) });
const WITNESSES_MAX = 16;

export const siteSchema = z
  .strictObject({
    id,
    name: z.string().min(1).max(80),
    timeZone,
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    elevation: z.number().min(-500).max(6000),
    /** Folder of the record, keys and accounts; relative to the site file. */
    data: z.string().default("data"),
    /** A folder with device files of this site's own. */
    deviceFiles: z.string().optional(),
    members: z.array(member).min(1).max(1000),
    devices: z.array(device).min(1).max(2000),
    clock: clock.default({ trust: "system" }),
    record: record.default({ commitInterval: 1_000, retention: {} }),
    broker: z.strictObject(listen).optional(),
    /** A broker that the site has already; the gateway is a client of it. */
    externalBroker: z
      .strictObject({
        url: z.url({ protocol: /^mqtts?$/ }),
        user: z.string().min(1),
        /** A file with the user's password, relative to the site file. */
        passwordFile: z.string().min(1),
      })
      .optional(),
    portal: z.strictObject(listen),
    /** Who certifies what the co-op votes; without it no policy is in force, and nothing is released. */
    governance: governanceSchema.optional(),
    /** Where readings go besides the record; inside of the village only. */
    sinks: sinksSchema.default({}),
    /** Operators' flows in Node-RED, and what they may switch. */
    flows: flowsSchema.optional(),
    /** Field nodes that are provisioned and updated from the operator's page and the command line. */
    nodes: nodesSchema.optional(),
    hub: z
      .strictObject({
        id,
        url: z.url({ protocol: /^mqtts?$/ }),
        /** The hub's Ed25519 public key, base64url. */
        publicKey: z.string().length(43),
        /** A file with the password that the hub gave this gateway, relative to the site file. */
        passwordFile: z.string(),
        /** Days that it has to say what it deleted, when somebody took a yes back; then nothing more goes to it. */
        erasureDays: z.int().min(1).max(365).default(ERASURE_DAYS),
      })
      .optional(),
    /** Neighbours' gateways that cosign the log of what left here, and those whose logs are cosigned here. */
    witnesses: z.array(witness).max(WITNESSES_MAX).default([]),
    witnessFor: z.array(neighbour).max(WITNESSES_MAX).default([]),
  })
  .superRefine((site, context) => {
    const seen = new Map<string, string>();
    const unique = (name: string, what: string, path: (string | number)[]) => {
      const first = seen.get(`${what} ${name}`);
      if (first !== undefined)
        context.addIssue({ code: "custom", path, message: `${what} "${name}" is here twice` });
      seen.set(`${what} ${name}`, name);
    };
    site.members.forEach((m, i) => unique(m.id, "member", ["members", i, "id"]));
    const members = new Set(site.members.map((m) => m.id));
    for (const { device, message } of treeProblems(site.devices))
      context.addIssue({ code: "custom", path: ["devices", device, "under"], message });
    site.devices.forEach((d, i) => {
      unique(d.id, "device", ["devices", i, "id"]);
      if (d.member !== undefined && !members.has(d.member)) {
        context.addIssue({
          code: "custom",
          path: ["devices", i, "member"],
          message: `there is no member "${d.member}" in members`,
        });
      }
      if (d.connection.kind === "mqtt")
        unique(d.connection.topic, "topic", ["devices", i, "connection", "topic"]);
      if (d.connection.kind === "mqtt" && !site.broker && !site.externalBroker) {
        context.addIssue({
          code: "custom",
          path: ["devices", i, "connection"],
          message: "an MQTT device needs broker: or externalBroker:",
        });
      }
    });
    if (site.broker && site.externalBroker)
      context.addIssue({
        code: "custom",
        path: ["externalBroker"],
        message: "broker: and externalBroker: exclude each other",
      });
    const parts = [...sinkProblems(site), ...flowsProblems(site), ...governanceProblems(site)];
    for (const { path, message } of parts) context.addIssue({ code: "custom", path, message });
  });

export type SiteFile = z.infer<typeof siteSchema>;
export type SiteDevice = SiteFile["devices"][number];
