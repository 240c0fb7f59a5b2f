import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import modbus from "modbus-serial";
import { freePort } from "../../cli/demo/ports.ts";
import { deviceId, instant, streamId, type Quantity, type Reading } from "../../domain/model/index.ts";
import {
  actuatorEvents,
  alertsOf,
  type ActuatorEvent,
  type FlowAlert,
} from "../../gateway/flows/commands.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { loadSite, type Site } from "../../gateway/site/load.ts";
import { eventually } from "../scenarios/kit.ts";
import { signIn, startDemo } from "./demo.ts";

/**
 * `npm start -- --flows` with a clock that runs fast, and an operator who deploys starter flows in its Node-RED. What
 * they do is looked up where it happens: at the relay, at the plug, in the gateway's record.
 */
export interface StarterVillage extends AsyncDisposable {
  /** Deploys these of flows/examples as they are, and a tab with a button for each fault. */
  deploy(starters: readonly string[]): Promise<void>;
  /** Presses the button of an inject node. */
  press(node: string): Promise<void>;
  /** Every alert that was raised so far: one takes the place of another under its key. */
  alerts(): readonly FlowAlert[];
  /** Of one actuator, the oldest first. */
  events(actuator: string): readonly ActuatorEvent[];
  readings(device: string, quantity: Quantity): readonly Reading[];
  /** What the relay and the plug of the yard did, by their own book. */
  switchings(): readonly (readonly [time: number, what: string, on: boolean])[];
  /** The relay's coil, asked by a client that is not ours. */
  coil(): Promise<boolean>;
}

const PACKAGE = join(import.meta.dirname, "..", "..", "flows");
const PATIENCE_MS = 120_000;
const LOOK_MS = 40;
const EVER = { from: instant(0), to: instant(Date.UTC(2100, 0, 1)) };

export async function openStarterVillage(options: {
  readonly folder: string;
  readonly seed: number;
  readonly speed: number;
  /** By the name of its button: the fault, and for how many seconds. */
  readonly faults: Readonly<Record<string, readonly [fault: string, seconds: number]>>;
}): Promise<StarterVillage> {
  await using stack = new AsyncDisposableStack();
  const { folder } = options;
  const sizes = ["--households", "3", "--seed", String(options.seed), "--speed", String(options.speed)];
  const port = String(await freePort());
  const demo = stack.use(startDemo(["--flows", ...sizes, "--data", folder, "--port", port]));
  const link = await eventually("the operator's link", () => demo.links()[2], PATIENCE_MS);
  const operator = (await signIn(link)) ?? "";
  const site = await loadSite(join(folder, "site.yaml"));
  const db = new DatabaseSync(join(folder, "gateway", "record.sqlite"), { readOnly: true, timeout: 5_000 });
  stack.defer(() => db.close());
  const raised = gather(stack, () => alertsOf(db, 100));
  const admin = await editorOf(new URL(link).origin, { operator, site });
  const opened = stack.move();
  return {
    async deploy(starters) {
      const flows = [...starters.flatMap(starter), ...buttonsOf(options.faults)];
      const { status } = await admin("/flows", flows);
      if (status !== 204) throw new Error(`Node-RED takes no flows: ${status}`);
    },
    async press(node) {
      const { status } = await admin(`/inject/${node}`, {});
      if (status !== 200) throw new Error(`There is no button ${node}: ${status}`);
    },
    alerts: raised,
    events: (actuator) => actuatorEvents(db, { actuator, limit: 1_000 }).toReversed(),
    readings(device, quantity) {
      using reader = openRecordReader(join(folder, "gateway"));
      return reader.readings.between(streamId(deviceId(device), quantity), EVER);
    },
    switchings: () =>
      readFileSync(join(folder, "simulators", "switchings.jsonl"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as [number, string, boolean]),
    coil: () => coilOf(site),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What was seen at any look. */
function gather(stack: AsyncDisposableStack, look: () => readonly FlowAlert[]): () => readonly FlowAlert[] {
  const seen = new Map<string, FlowAlert>();
  const take = (): void => {
    for (const alert of look()) seen.set(`${alert.key} ${alert.time}`, alert);
  };
  const timer = setInterval(take, LOOK_MS);
  stack.defer(() => clearInterval(timer));
  return () => [...seen.values()];
}

/** As it is imported. */
const starter = (name: string): object[] =>
  JSON.parse(readFileSync(join(PACKAGE, "examples", `${name}.json`), "utf8")) as object[];

const buttonsOf = (faults: Readonly<Record<string, readonly [string, number]>>): object[] => [
  { id: "faults", type: "tab", label: "Faults" },
  { id: "faults-gateway", type: "fieldwatt-gateway", name: "", url: "" },
  ...Object.entries(faults).flatMap(([button, [fault, seconds]]) => [
    {
      ...{ id: button, type: "inject", z: "faults", props: [{ p: "payload" }] },
      ...{ payload: fault, payloadType: "str", repeat: "", crontab: "", once: false },
      wires: [[`${button}-fault`]],
    },
    {
      ...{ id: `${button}-fault`, type: "fieldwatt-fault", z: "faults", gateway: "faults-gateway" },
      ...{ fault: "", seconds: String(seconds), wires: [[]] },
    },
  ]),
];

type Admin = (path: string, body: unknown) => Promise<Response>;

/** The editor's own API, by the pass that the operator's session gets. */
async function editorOf(
  portal: string,
  { operator, site }: { operator: string; site: Site },
): Promise<Admin> {
  const editor = `http://127.0.0.1:${site.flows?.nodeRed?.port ?? 0}`;
  const headers = { cookie: operator };
  const answer = await eventually(
    "Node-RED is up",
    async () => {
      await fetch(editor, { redirect: "manual" });
      const found = await fetch(`${portal}/operator/flows/editor`, { headers, redirect: "manual" });
      return found.headers.get("location")?.includes("access_token") === true && found;
    },
    PATIENCE_MS,
  );
  const pass = new URL(answer.headers.get("location") ?? "").searchParams.get("access_token") ?? "";
  return (path, body) =>
    fetch(`${editor}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${pass}`,
        "content-type": "application/json",
        // Flows that are there already go on.
        "node-red-deployment-type": "flows",
      },
      body: JSON.stringify(body),
    });
}

async function coilOf({ flows }: Site): Promise<boolean> {
  const connection = flows?.actuators.find(({ id }) => id === "pump")?.connection;
  if (connection?.kind !== "modbus-tcp") throw new Error("the pump is on Modbus TCP");
  const client = new modbus.default();
  await client.connectTCP(connection.host, { port: connection.port });
  client.setID(connection.unit);
  client.setTimeout(5_000);
  try {
    return (await client.readCoils(connection.coil, 1)).data[0] === true;
  } finally {
    await new Promise<void>((resolve) => client.close(() => resolve()));
  }
}
