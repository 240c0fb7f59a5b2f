import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { NODE_RED_FOLDER } from "../../gateway/flows/node-red.ts";

const DEBIAN = ["mosquitto", "influxdb"];

/** Brings what benchmarks are measured beside; what cannot be had is said, and then skipped. */
export function installPeers(note: (line: string) => void): void {
  const run = (command: string, ...args: string[]): void => {
    const { status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    note(`${command} ${args.join(" ")}: ${status === 0 ? "done" : "did not work"}`);
  };
  run("apt-get", "install", "--yes", "--no-install-recommends", ...DEBIAN);
}

/** The entry of Node-RED 4, which flows/install.mjs --tests brings; undefined where it is not installed. */
export function nodeRed(): string | undefined {
  const own = join(`${NODE_RED_FOLDER}-4`, "node_modules", "node-red", "red.js");
  return [own, ...onPath("node-red")].find(existsSync);
}

const onPath = (name: string): string[] =>
  (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
