import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { NODE_RED_FOLDER } from "../../gateway/flows/node-red.ts";

/** Node-RED and its test helper lie outside of the project's own packages: `node flows/install.mjs --tests` brings them. */
export function nodeRedIsMissing(): boolean {
  const isThere = ["node-red", "node-red-node-test-helper"].every((name) =>
    existsSync(join(NODE_RED_FOLDER, "node_modules", name)),
  );
  if (isThere) return false;
  if (process.env.CI) throw new Error("Node-RED is missing: node flows/install.mjs --tests");
  process.stderr.write("tests with Node-RED are skipped: node flows/install.mjs --tests brings it\n");
  return true;
}

/** Loads packages as from Node-RED's own folder. */
export const requireOfNodeRed = (): NodeJS.Require => createRequire(join(NODE_RED_FOLDER, "package.json"));
