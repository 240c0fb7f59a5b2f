import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { end } from "./gateway.ts";

const BINARIES = ["mosquitto", "/usr/sbin/mosquitto"];
const TRIES_MAX = 100;
const TRY_MS = 50;

export interface Mosquitto extends AsyncDisposable {
  readonly version: string;
  readonly pid: number;
  readonly port: number;
}

/** Eclipse Mosquitto with nothing kept and everybody let in: the fastest it can be. Undefined where it is missing. */
export async function startMosquitto(folder: string): Promise<Mosquitto | undefined> {
  const binary = BINARIES.find((name) => spawnSync(name, ["-h"]).error === undefined);
  if (binary === undefined) return undefined;
  const port = await freePort();
  const config = join(mkdtempSync(join(folder, "mosquitto-")), "mosquitto.conf");
  const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence false", "log_dest none"];
  // Without this it would hold back what one connection sends beyond 20 messages.
  writeFileSync(config, [...lines, "max_inflight_messages 0", "max_queued_messages 0", ""].join("\n"));
  const child = spawn(binary, ["-c", config], { stdio: "ignore" });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === TRIES_MAX || child.exitCode !== null) throw new Error("mosquitto did not start");
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
  const version = /mosquitto version ([\d.]+)/.exec(String(spawnSync(binary, ["-h"]).stdout))?.[1] ?? "";
  return { version, pid: child.pid ?? 0, port, [Symbol.asyncDispose]: () => end(child) };
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
