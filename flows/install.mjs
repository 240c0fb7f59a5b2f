#!/usr/bin/env node
// Brings Node-RED beside the program, as flows/runtime/package-lock.json has it: for a gateway whose site file says
// flows: nodeRed:, and with --tests also what the tests need: their helper, and the Node-RED before. Plain JavaScript,
// no packages.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const forTests = process.argv.includes("--tests");
const helper = "node-red-node-test-helper";

bring({ lock: "runtime", into: "node-red", wanted: ["node-red", ...(forTests ? [helper] : [])] });
if (forTests) bring({ lock: "runtime-4", into: "node-red-4", wanted: ["node-red"] });

function bring({ lock, into, wanted }) {
  const folder = join(here, "..", ".fieldwatt", into);
  const names = ["package.json", "package-lock.json"];
  const has = (name) => text(join(folder, "node_modules", name, "package.json")) !== undefined;
  const isSame = names.every((name) => text(join(folder, name)) === text(join(here, lock, name)));
  if (isSame && wanted.every(has)) return;

  console.log(`Bringing Node-RED into ${folder} (once, about half a minute) …`);
  mkdirSync(folder, { recursive: true });
  for (const name of names) copyFileSync(join(here, lock, name), join(folder, name));
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
  const more = forTests ? [] : ["--omit=dev"];
  // No script of a package runs: none of them needs one.
  const { status } = spawnSync(
    command,
    [...args, "ci", "--ignore-scripts", "--no-audit", "--no-fund", ...more],
    {
      cwd: folder,
      stdio: "inherit",
    },
  );
  if (status !== 0) {
    console.error("Node-RED could not be brought: see above. Is there a network? Then try again.");
    // Without a network, and not on a CI machine, the tests that need it say that they are skipped.
    process.exit(forTests && !process.env.CI ? 0 : 1);
  }
}

function text(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
