import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import type { Load } from "./load.ts";

/** How long the gateway may take to start or to stop, ms. */
const PATIENCE_MS = 15_000;
/** With what `cli/fieldwatt.mjs` gives a gateway that is started without a channel. */
const flags = [
  "--max-semi-space-size=2",
  "--no-parallel-scavenge",
  "--max-old-space-size=384",
  "--expose-gc",
];
const cli = new URL("../../cli/fieldwatt.mjs", import.meta.url).pathname;
const env = { ...process.env, MALLOC_ARENA_MAX: "2" };

export interface BenchSite {
  readonly file: string;
  /** The gateway's SQLite file. */
  readonly record: string;
  readonly users: Load["users"];
}

/** A site of `devices` MQTT energy meters (Shelly), without a hub: what is measured is the way to the record. */
export async function writeSite(folder: string, devices: number, brokerPort = 0): Promise<BenchSite> {
  const ids = Array.from({ length: devices }, (_, i) => `meter-${i + 1}`);
  const site = writeSiteOf(folder, {
    devices: ids.map((id) => ({
      id,
      device: "shelly-energy",
      connection: { kind: "mqtt", topic: id },
    })),
    broker: { port: brokerPort },
  });
  const passwords = await setDevicePasswords(dirname(site.record), ids, randomBytes);
  const users = ids.map((id) => ({
    user: id,
    password: passwords[id] ?? "",
    topic: `${id}/status/switch:0`,
  }));
  return { ...site, users };
}

/** A site of Modbus TCP meters (Eastron SDM120, eleven quantities), each behind a port of its own, read each second. */
export function writePolledSite(folder: string, ports: readonly number[]): BenchSite {
  const devices = ports.map((port, i) => ({
    id: `meter-${i + 1}`,
    device: "eastron-sdm120",
    connection: { kind: "modbus-tcp", host: "127.0.0.1", port, unit: 1 },
    interval: "1 s",
  }));
  return { ...writeSiteOf(folder, { devices, broker: { port: 0 } }), users: [] };
}

function writeSiteOf(
  folder: string,
  { devices, broker }: { readonly devices: readonly object[]; readonly broker: { readonly port: number } },
): Pick<BenchSite, "file" | "record"> {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const site = {
    id: "bench",
    name: "Bench",
    timeZone: "Africa/Nairobi",
    latitude: 0,
    longitude: 37,
    elevation: 1600,
    members: [{ id: "member-1", name: "Member" }],
    devices: devices.map((device) => ({ ...device, member: "member-1", mounting: "load" })),
    broker,
    portal: { port: 0 },
  };
  // JSON is YAML.
  const file = join(folder, "site.yaml");
  writeFileSync(file, JSON.stringify(site, null, 2));
  return { file, record: join(data, "record.sqlite") };
}

/** The command and its environment, as a service file starts it. */
export const gatewayCommand = (site: BenchSite, log: string): { args: string[]; env: NodeJS.ProcessEnv } => ({
  args: [...flags, cli, "gateway", "run", "--site", site.file, "--log", log, "--log-level", "warn"],
  env,
});

export interface RunningGateway extends AsyncDisposable {
  readonly brokerPort: number;
  readonly portalPort: number;
  /** Resident memory, MB: now, at its highest, and what of it is no mapped file (those, Node's own, the system may drop). */
  memory(): { readonly now: number; readonly peak: number; readonly own: number };
  /** Bytes that the process caused to be written to storage (proc(5), `write_bytes`). */
  bytesWritten(): number;
  /** Processor time of all its threads since it began, ms. */
  cpuMs(): number;
  readonly pid: number;
}

/** The real gateway, as `fieldwatt gateway run` starts it; resolves when it listens. */
export async function startGateway(site: BenchSite, log: string): Promise<RunningGateway> {
  const { args } = gatewayCommand(site, log);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "ipc"], env });
  const { brokerPort, portalPort } = await ready(child, log);
  const proc = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, "utf8");
  const field = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  return {
    brokerPort,
    portalPort,
    memory: () => ({
      now: field(proc("status"), "VmRSS") / 1024,
      peak: field(proc("status"), "VmHWM") / 1024,
      own: field(proc("status"), "RssAnon") / 1024,
    }),
    pid: child.pid ?? 0,
    cpuMs: () => processorMs(child.pid ?? 0),
    bytesWritten: () => field(proc("io"), "write_bytes"),
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function ready(child: ChildProcess, log: string): Promise<{ brokerPort: number; portalPort: number }> {
  const giveUp = AbortSignal.timeout(PATIENCE_MS);
  const failed = once(child, "exit", { signal: giveUp }).then(() => {
    throw new Error(
      `the gateway ended by itself; its log ends with: ${readFileSync(log, "utf8").slice(-500)}`,
    );
  });
  const heard = once(child, "message", { signal: giveUp }) as Promise<
    [{ event: string; brokerPort: number; portalPort: number }]
  >;
  const [message] = await Promise.race([heard, failed]);
  failed.catch(() => undefined);
  return message;
}

/** proc(5): user and system time are the 14th and 15th field, in hundredths of a second; the name before may hold blanks. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Ends a child; one that does not go by itself is killed. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  const kill = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  child.kill("SIGTERM");
  await gone;
  clearTimeout(kill);
}
