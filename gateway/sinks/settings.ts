import { z } from "zod";
import { outsideProblem } from "./inside.ts";

/** The part `sinks:` of the site file: where readings go besides the record. Each is off until it is written here. */

const outsideHost = z.string().min(1).max(253).optional();
const topicPart = z
  .string()
  .regex(/^[^+#\s]+$/, "a topic without wildcards and spaces")
  .max(100);

const influxdb = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }),
    database: z.string().min(1).max(64).default("fieldwatt"),
    user: z.string().min(1).optional(),
    /** A file with the user's password, relative to the site file. */
    passwordFile: z.string().min(1).optional(),
    /** Where absent, the database's own default. */
    retentionPolicy: z.string().min(1).max(64).optional(),
    /** Readings in one request. */
    batch: z.int().min(1).max(5_000).default(5_000),
    /** The one host that is not of this village and may still be written to. */
    outsideHost,
  })
  .superRefine(({ url, outsideHost: outside, user, passwordFile }, context) => {
    const message = outsideProblem(url, outside);
    if (message !== undefined) context.addIssue({ code: "custom", path: ["url"], message });
    if ((user === undefined) !== (passwordFile === undefined))
      context.addIssue({ code: "custom", path: [], message: "user and passwordFile belong together" });
  });

const csv = z.strictObject({
  /** Relative to the data folder, unless it is absolute (a mounted stick). */
  folder: z.string().min(1).default("csv"),
  /** Days that are over become `.csv.gz`. */
  gzip: z.boolean().default(true),
  /** Files of days that are longer ago are deleted. */
  keepDays: z.int().min(1).max(36_600).default(400),
});

const homeAssistant = z.strictObject({
  /** What Home Assistant listens to for discovery. */
  prefix: topicPart.default("homeassistant"),
  /** States are below it. */
  topic: topicPart.default("fieldwatt"),
  /** The user by which Home Assistant signs in to the village broker; `fieldwatt device password` makes its password. */
  user: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .max(64)
    .default("home-assistant"),
  /** Between two states of one device, s. */
  everySeconds: z.int().min(1).max(3_600).default(10),
  /** As of InfluxDB, for externalBroker. */
  outsideHost,
});

const prometheus = z.strictObject({
  /** A file with a token of 16 letters or more, relative to the site file: it opens what devices measure on /metrics. */
  tokenFile: z.string().min(1),
});

export const sinksSchema = z.strictObject({
  influxdb: influxdb.optional(),
  csv: csv.optional(),
  homeAssistant: homeAssistant.optional(),
  prometheus: prometheus.optional(),
});

export type SinkSettings = z.infer<typeof sinksSchema>;
export type InfluxSettings = NonNullable<SinkSettings["influxdb"]>;
export type CsvSettings = NonNullable<SinkSettings["csv"]>;
export type HomeAssistantSettings = NonNullable<SinkSettings["homeAssistant"]>;

/** What a sink needs of the rest of the site file; the path is where the fault stands. */
export function sinkProblems(site: {
  readonly sinks: SinkSettings;
  readonly devices: readonly { readonly id: string }[];
  readonly broker?: unknown;
  readonly externalBroker?: { readonly url: string } | undefined;
}): { readonly path: (string | number)[]; readonly message: string }[] {
  const { homeAssistant } = site.sinks;
  if (!homeAssistant) return [];
  const path = ["sinks", "homeAssistant"];
  if (!site.broker && !site.externalBroker)
    return [{ path, message: "Home Assistant is reached by MQTT: it needs broker: or externalBroker:" }];
  const outside = site.externalBroker && outsideProblem(site.externalBroker.url, homeAssistant.outsideHost);
  if (outside !== undefined) return [{ path, message: outside }];
  if (site.devices.some(({ id }) => id === homeAssistant.user))
    return [
      { path: [...path, "user"], message: `a device has the id ${homeAssistant.user}: name another user` },
    ];
  return [];
}
