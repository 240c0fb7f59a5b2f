import { z } from "zod";
import { outsideProblem } from "../sinks/inside.ts";
import { duration } from "../site/duration.ts";
import { host, port, serialLine, slave } from "../site/wire-words.ts";
import { ALL_RIGHTS, rightsSchema } from "./rights.ts";

/** The part `flows:` of the site file: what operators' flows reach, and where Node-RED runs. */
const id = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "use lower-case letters, digits and hyphens, for example pump-1");
const pause = duration.refine((ms) => ms <= 24 * 3_600_000, "a day is the most");
const topic = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^+#]+$/, "a topic without wildcards");
const message = z.string().min(1).max(200);

/** The coil's wire address, from 0. */
const coil = z.int().min(0).max(0xff_ff);
const unit = slave.default(1);

const connection = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("modbus-tcp"),
    host,
    port: port.default(502),
    /** 0 to 255 behind TCP. */
    unit: z.int().min(0).max(255).default(1),
    coil,
  }),
  z.strictObject({ kind: z.literal("modbus-rtu-over-tcp"), host, port, unit, coil }),
  /** On a line that devices are read on, too, it is set as theirs is. */
  z.strictObject({ kind: z.literal("modbus-rtu"), ...serialLine, unit, coil }),
  /** A device of the village broker; the topic is within its own space, where it listens. */
  z.strictObject({
    kind: z.literal("mqtt"),
    topic,
    on: message.default("ON"),
    off: message.default("OFF"),
  }),
  /** The relay of a node on the field link, by the device's id. */
  z.strictObject({ kind: z.literal("node"), device: id }),
]);

/** What must be so for the actuator to be on; what is unknown or too old is not so. */
const interlock = z
  .strictObject({
    stream: z.string().min(3).max(200),
    above: z.number().optional(),
    below: z.number().optional(),
    maxAge: duration.default(300_000),
  })
  .refine(({ above, below }) => above !== undefined || below !== undefined, "say above: or below:, or both");

const actuator = z.strictObject({
  id,
  name: z.string().min(1).max(80),
  /** Where it goes when nobody who may says otherwise: at the start, at the end, when a flow is silent. */
  safe: z.enum(["off", "on"]).default("off"),
  minimumOn: pause.default(0),
  minimumOff: pause.default(0),
  /** Without a word of the flow for so long it goes to safe. */
  watchdog: duration.refine((ms) => ms >= 1_000 && ms <= 3_600_000, "a second to an hour").default(120_000),
  onlyWhile: z.array(interlock).max(8).default([]),
  connection,
});
export type ActuatorSettings = z.infer<typeof actuator>;
export type Interlock = z.infer<typeof interlock>;

const nodeRed = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: port.default(1880),
  /** MB of JavaScript objects before it is ended and started again. */
  memory: z.int().min(64).max(4_096).default(256),
  /** The folder of Node-RED's package; where `fieldwatt flows install` puts it where absent. */
  package: z.string().min(1).optional(),
  /** What the flows of this gateway's own Node-RED may do without a token. */
  may: rightsSchema.default(ALL_RIGHTS),
});
export type NodeRedSettings = z.infer<typeof nodeRed>;

/** E.164: a plus, and 7 to 15 digits. */
export const phoneNumber = z.string().regex(/^\+[1-9]\d{6,14}$/, "write the number as +254700123456");

const modem = z.strictObject({
  path: z.string().min(1),
  baudRate: z.int().positive().default(115_200),
  numbers: z.array(phoneNumber).min(1).max(20),
  /** Messages an hour, to all numbers together. */
  perHour: z.int().min(1).max(1_000).default(30),
});
export type ModemSettings = z.infer<typeof modem>;

export const flowsSchema = z.strictObject({
  nodeRed: nodeRed.optional(),
  actuators: z.array(actuator).max(200).default([]),
  modem: modem.optional(),
  /** Where simulators take faults; a simulated village's alone. */
  simulator: z.url({ protocol: /^http$/ }).optional(),
});
export type FlowsSettings = z.infer<typeof flowsSchema>;

/** Words of the API where a member's id may stand. */
const NO_MEMBERS: ReadonlySet<string> = new Set(["operator", "members", "village"]);

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What `flows:` needs of the rest of the site file; the path is where the fault stands. */
export function flowsProblems(site: {
  readonly flows?: FlowsSettings | undefined;
  readonly devices: readonly { readonly id: string }[];
  readonly members: readonly { readonly id: string }[];
  readonly broker?: unknown;
}): readonly Problem[] {
  const { flows, devices, members, broker } = site;
  if (!flows) return [];
  const known = new Set(devices.map((device) => device.id));
  const outside = flows.simulator === undefined ? undefined : outsideProblem(flows.simulator, undefined);
  return [
    ...(outside === undefined ? [] : [{ path: ["flows", "simulator"], message: outside }]),
    ...members.flatMap(({ id }, i) =>
      NO_MEMBERS.has(id)
        ? [{ path: ["members", i, "id"], message: `flows call something else "${id}": choose another name` }]
        : [],
    ),
    ...flows.actuators.flatMap((one, i) => {
      const at = (key: string, message: string): Problem => ({
        path: ["flows", "actuators", i, key],
        message,
      });
      const isTwice = flows.actuators.findIndex((other) => other.id === one.id) < i;
      const strays = one.onlyWhile.filter(({ stream }) => !known.has(stream.split("/")[0] ?? ""));
      return [
        ...(isTwice ? [at("id", `actuator "${one.id}" is here twice`)] : []),
        ...(one.connection.kind === "mqtt" && !broker
          ? [at("connection", "an MQTT actuator needs broker:")]
          : []),
        ...(one.connection.kind === "node" && one.safe === "on"
          ? [at("safe", "the relay of a node falls off by itself: it can only be safe when it is off")]
          : []),
        ...strays.map(({ stream }) => at("onlyWhile", `there is no device of ${stream}`)),
      ];
    }),
  ];
}
