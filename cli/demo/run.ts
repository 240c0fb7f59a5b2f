import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { instant, messageOf } from "../../domain/model/index.ts";
import { openHubKeys } from "../../federation/hub-keys.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { openCommands } from "../../gateway/record/open.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { clockLineToText } from "../../platform/clock.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import { faultFromText, planVillage, type Manifest, type VillagePlan } from "../../simulators/index.ts";
import { bringNodeRed } from "../bring-node-red.ts";
import { startChild, type Child, type ChildOptions } from "./children.ts";
import { giveConsents } from "./consents.ts";
import { demoPolicy, hubConfig, writeYaml } from "./files.ts";
import { foundDemo, governanceOf, openDemoOfficers, type MadeUpOfficer } from "./founding.ts";
import { openDemoFolder, type DemoFolder } from "./folder.ts";
import { linksTo } from "./links.ts";
import { claimPort, freePort } from "./ports.ts";
import { openProgress, type Progress } from "./progress.ts";
import { writeSite } from "./site.ts";
import { openFaultyUplink, splitFaults, type UplinkCut } from "./uplink-fault.ts";

export interface DemoOptions {
  readonly households?: number;
  readonly seed?: number;
  readonly speed: number;
  readonly data: string;
  readonly port: number;
  readonly faults: readonly string[];
  /** With Node-RED and the way to faults. */
  readonly flows: boolean;
  readonly signal: AbortSignal;
}

const RENEW_MS = 2_000;

/** Ports of one run; the two pages have the ports that the user chose. */
interface Ports {
  readonly portal: number;
  readonly hubPortal: number;
  readonly broker: number;
  readonly hubBroker: number;
  /** Node-RED's editor, and the simulators' door for faults; nobody listens there without flows. */
  readonly editor: number;
  readonly faults: number;
}

/**
 * The whole village on one machine: a simulator of its wires, a hub and a gateway, three processes that share one
 * clock and nothing else but sockets, serial lines and the files that an installer would write.
 * @returns 0 after a clean end, 1 when a process could not be kept alive
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { households, seed, speed, faults } = options;
  const { cuts, others } = splitFaults(faults);
  others.forEach(faultFromText);
  // Before the village's clock runs: npm may need a minute.
  if (options.flows) bringNodeRed();
  const ports = await choosePorts(options.port);
  const folder = await openDemoFolder({
    path: resolve(options.data),
    households,
    seed,
    speed,
    wallNow: () => Date.now(),
  });
  const renewing = setInterval(() => void folder.renew().catch(tellNotKept), RENEW_MS);
  try {
    return await runVillage({ ...options, faults: others }, { folder, ports, cuts });
  } finally {
    clearInterval(renewing);
    await folder.close();
  }
}

/** The village goes on; its processes say for themselves what a full disk means to them. */
const tellNotKept = (cause: unknown): void =>
  console.error(`How far the village's clock has come could not be kept: ${messageOf(cause)}`);

async function choosePorts(port: number): Promise<Ports> {
  return {
    portal: await claimPort(port, "the member page"),
    hubPortal: await claimPort(port + 1, "the hub's page"),
    broker: await freePort(),
    hubBroker: await freePort(),
    editor: await freePort(),
    faults: await freePort(),
  };
}

async function runVillage(
  options: DemoOptions,
  { folder, ports, cuts }: { folder: DemoFolder; ports: Ports; cuts: readonly UplinkCut[] },
): Promise<number> {
  const { line, state, path, isNew } = folder;
  const wallNow = (): number => Date.now();
  const progress = openProgress({ line, wallNow });
  const { start, signal, failed } = createFamily(folder, { progress, stop: options.signal });
  const plan = planVillage({ ...state, yard: true });
  progress.say(
    `${isNew ? "A new village" : "The village"} of ${state.households} households, kept in ${path}`,
  );
  const { hubKey, officers } = await prepare(folder, { plan, ports });

  await using starting = new AsyncDisposableStack();
  const hub = start("hub", ["hub", "run", "--config", join(path, "hub.yaml")]);
  // Hub and simulators start side by side: when one fails, the other still has to end.
  starting.defer(async () => void (await (await hub.catch(() => undefined))?.[Symbol.asyncDispose]()));
  await using simulators = await start<{ manifest: Manifest }>(
    "simulators",
    simulateArgs(options, { folder, ports }),
  );
  const toHub = { line, wallNow, hubPort: ports.hubBroker, signal, say: progress.say };
  await using uplink = await openFaultyUplink(cuts, toHub);
  const { manifest } = simulators.ready;
  await writeSite(path, {
    ...{ manifest, hubKey, officers, hubPort: uplink?.port ?? ports.hubBroker },
    ...{ brokerPort: ports.broker, portalPort: ports.portal },
    nodeRed: options.flows ? { port: ports.editor, faultsPort: ports.faults } : undefined,
  });
  await using _gateway = await start("gateway", ["gateway", "run", "--site", join(path, "site.yaml")]);
  await hub;
  const [member] = plan.members;
  if (member) progress.say(await linksTo(path, { member, ports, flows: options.flows }));
  await progress.until(signal);
  progress.say("Stopping …");
  return failed() ? 1 : 0;
}

/** The processes of one village: one clock, a log file each, one signal that ends them all. */
function createFamily(folder: DemoFolder, { progress, stop }: { progress: Progress; stop: AbortSignal }) {
  const givenUp = new AbortController();
  const signal = AbortSignal.any([stop, givenUp.signal]);
  const onDeath: ChildOptions["onDeath"] = ({ name, how, again }) => {
    progress.say(`${name} ended (${how})${again ? "; starting it again" : " again and again; giving up"}`);
    if (!again) givenUp.abort();
  };
  const start = <Ready>(name: string, args: readonly string[]): Promise<Child<Ready>> =>
    startChild<Ready>({
      name,
      args: [...args, "--clock", clockLineToText(folder.line)],
      logFile: join(folder.path, `${name}.log`),
      signal,
      onEvent: (event) => progress.take(name, event),
      onDeath,
    });
  return { start, signal, failed: () => givenUp.signal.aborted };
}

function simulateArgs(
  { faults, flows }: DemoOptions,
  { folder: { path, state }, ports }: { folder: DemoFolder; ports: Ports },
): string[] {
  return [
    ...["simulate", "--yard"],
    ...(flows ? ["--control", String(ports.faults)] : []),
    ...["--households", String(state.households), "--seed", String(state.seed)],
    ...["--commissioned", String(state.commissioned), "--data", join(path, "simulators")],
    ...["--mqtt", join(path, "simulators", "mqtt.json")],
    ...faults.flatMap((fault) => ["--fault", fault]),
  ];
}

/** Keys, passwords, the hub's configuration, and at the very first start the members' consents. */
async function prepare(
  folder: DemoFolder,
  { plan, ports }: { plan: VillagePlan; ports: Ports },
): Promise<{ hubKey: string; officers: readonly MadeUpOfficer[] }> {
  const at = (...path: string[]) => join(folder.path, ...path);
  for (const part of ["gateway", "hub", "simulators"])
    await mkdir(at(part), { recursive: true, mode: 0o700 });
  const identity = await openIdentity(at("gateway"), randomBytes);
  const hubKeys = await openHubKeys(at("hub"));
  const mqttDevices = [...plan.devices, ...plan.yard]
    .filter((device) => device.transport.kind === "mqtt")
    .map((device) => device.id);
  const passwords = await setDevicePasswords(at("gateway"), mqttDevices, randomBytes);
  await writeSecretFile(
    at("simulators", "mqtt.json"),
    JSON.stringify({ url: `mqtt://127.0.0.1:${ports.broker}`, passwords }),
  );
  const hubPassword = randomBytes(18).toString("base64url");
  await writeSecretFile(at("hub-password"), hubPassword);
  const gateway = {
    publicKey: publicKeyToText(identity.keys.publicKey),
    passwordSha256: sha256Hex(hubPassword),
  };
  const officers = await openDemoOfficers(at("officers"));
  await writeYaml(
    at("hub.yaml"),
    hubConfig({
      ...{ data: at("hub"), portalPort: ports.hubPortal, brokerPort: ports.hubBroker, gateway },
      officers: governanceOf(officers).officers,
    }),
  );
  const hubKey = publicKeyToText(hubKeys.publicKey);
  const policy = demoPolicy({ hubKey, from: folder.state.commissioned, sums: true });
  await writeYaml(at("policy.yaml"), policy);
  // Every household agreed to everything but the last, so that both can be seen: what leaves and what does not.
  const members = plan.members.slice(0, Math.max(1, plan.members.length - 1)).map(({ id }) => id);
  const given = instant(folder.state.commissioned);
  await using store = await openCommands({ path: at("gateway", "record.sqlite") });
  const everybody = plan.members.map(({ id }) => id);
  await foundDemo(store, { policy, members: everybody, officers, now: given });
  if (folder.isNew) await giveConsents(store, { policy, members, given });
  return { hubKey, officers };
}
