import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Node-RED lies outside of the project, whose packages it is none of. */
const FOLDER = join(tmpdir(), "fieldwatt-bench-peers");
const NODE_RED = "node-red@4";
const DEBIAN = ["mosquitto", "influxdb"];

/** Brings what benchmarks are measured beside; what cannot be had is said, and then skipped. */
export function installPeers(note: (line: string) => void): void {
  const run = (command: string, ...args: string[]): void => {
    const { status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    note(`${command} ${args.join(" ")}: ${status === 0 ? "done" : "did not work"}`);
  };
  run("apt-get", "install", "--yes", "--no-install-recommends", ...DEBIAN);
  mkdirSync(FOLDER, { recursive: true });
  run("npm", "install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--ignore-scripts", NODE_RED);
}

/** Node-RED's entry, a JavaScript file; undefined where it is not installed. */
export function nodeRed(): string | undefined {
  const own = join(FOLDER, "node_modules", "node-red", "red.js");
  return [own, ...onPath("node-red")].find(existsSync);
}

const onPath = (name: string): string[] =>
  (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
