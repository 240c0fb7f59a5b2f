import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { NODE_RED_FOLDER } from "../../gateway/flows/node-red.ts";

/** Where `node flows/install.mjs --tests` brings each major version of Node-RED that the package is for. */
export const NODE_RED_FOLDERS = { 4: `${NODE_RED_FOLDER}-4`, 5: NODE_RED_FOLDER } as const;
export type NodeRedVersion = keyof typeof NODE_RED_FOLDERS;

/** The package, as it lies in this repository. */
export const PACKAGE_FOLDER = join(import.meta.dirname, "..", "..", "flows");

/** Node-RED and its test helper lie outside of the project's own packages: `node flows/install.mjs --tests` brings them. */
export function nodeRedIsMissing(): boolean {
  const isThere = [
    join(NODE_RED_FOLDERS[5], "node_modules", "node-red"),
    join(NODE_RED_FOLDERS[5], "node_modules", "node-red-node-test-helper"),
    join(NODE_RED_FOLDERS[4], "node_modules", "node-red"),
  ].every(existsSync);
  if (isThere) return false;
  if (process.env.CI) throw new Error("Node-RED is missing: node flows/install.mjs --tests");
  process.stderr.write("tests with Node-RED are skipped: node flows/install.mjs --tests brings it\n");
  return true;
}

/** Loads packages as from Node-RED's own folder. */
export const requireOfNodeRed = (): NodeJS.Require => createRequire(join(NODE_RED_FOLDER, "package.json"));

/** `npm pack` into `folder`, and `npm install` of what came out in Node-RED's user folder, as an operator does it. */
export function installPacked({
  folder,
  userDir,
}: {
  readonly folder: string;
  readonly userDir: string;
}): void {
  mkdirSync(userDir, { recursive: true });
  const npm = (args: string[], cwd: string): string => {
    const { status, stdout, stderr } = spawnSync("npm", args, { cwd, encoding: "utf8" });
    if (status !== 0) throw new Error(`npm ${args.join(" ")}: ${stderr}`);
    return stdout.trim().split("\n").at(-1) ?? "";
  };
  const tarball = npm(["pack", "--pack-destination", folder], PACKAGE_FOLDER);
  npm(["install", "--offline", "--no-audit", "--no-fund", join(folder, tarball)], userDir);
}

/** A flow that hears one stream from its start, and writes what `func` makes of it into the device "forecast". */
export const copyFlow = ({
  from,
  func,
  gateway,
}: {
  readonly from: string;
  readonly func?: string;
  /** Of the node that names the gateway: its address and token, where it is not the gateway's own Node-RED. */
  readonly gateway?: object;
}): object[] => [
  { id: "copy", type: "tab", label: "copy" },
  { id: "g", type: "fieldwatt-gateway", name: "", url: "", ...gateway },
  {
    ...{ id: "in", type: "fieldwatt-stream", z: "copy", gateway: "g", streams: from, from: "start" },
    wires: [["word"]],
  },
  {
    ...{ id: "word", type: "function", z: "copy", func: func ?? "return msg;", outputs: 1 },
    wires: [["out"]],
  },
  {
    ...{ id: "out", type: "fieldwatt-reading", z: "copy", gateway: "g", device: "forecast" },
    ...{ quantity: "solarIrradiance", wires: [[]] },
  },
];
