import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect as openSocket } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../cli/demo/ports.ts";

const BINARIES = ["/usr/sbin/mosquitto", "mosquitto"];
const binary = BINARIES.find((name) => spawnSync(name, ["-h"]).error === undefined);
const PATIENCE_MS = 10_000;

/** True, with one line on stderr, where there is no Mosquitto; on a CI machine that is a fault. */
export function mosquittoIsMissing(): boolean {
  if (binary !== undefined) return false;
  if (process.env.CI) throw new Error("mosquitto is missing: apt-get install mosquitto mosquitto-clients");
  process.stderr.write("Mosquitto test skipped: apt-get install mosquitto mosquitto-clients\n");
  return true;
}

export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
}

/** A Mosquitto that lets everybody on this computer in; resolves when it listens. */
export async function openMosquitto(folder: string): Promise<Mosquitto> {
  const port = await freePort();
  const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence false", "log_dest none"];
  await writeFile(join(folder, "mosquitto.conf"), `${lines.join("\n")}\n`);
  const child = spawn(binary ?? "", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
  const giveUp = AbortSignal.timeout(PATIENCE_MS);
  while (!(await listens(port)) && !giveUp.aborted) await wait(20);
  return { port, [Symbol.asyncDispose]: () => end(child) };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = openSocket(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

export interface Subscriber extends AsyncDisposable {
  /** The last payload of each topic; an empty one where it was taken back. */
  readonly heard: ReadonlyMap<string, string>;
}

/** mosquitto_sub, a client that we did not write; resolves at once. */
export function mosquittoSub(
  port: number,
  filters: readonly string[],
  more: readonly string[] = [],
): Subscriber {
  const topics = filters.flatMap((filter) => ["-t", filter]);
  const args = ["-h", "127.0.0.1", "-p", String(port), "-q", "1", "-F", "%t %p", ...topics, ...more];
  const child = spawn("mosquitto_sub", args, { stdio: ["ignore", "pipe", "ignore"] });
  const heard = new Map<string, string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const space = line.indexOf(" ");
    heard.set(line.slice(0, space), line.slice(space + 1));
  });
  return { heard, [Symbol.asyncDispose]: () => end(child) };
}

/** mosquitto_pub; resolves when it has ended. */
export async function mosquittoPub(port: number, args: readonly string[]): Promise<void> {
  const child = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(port), "-q", "1", ...args]);
  await once(child, "exit");
}
