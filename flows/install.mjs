#!/usr/bin/env node
// Brings Node-RED beside the program, as flows/runtime/package-lock.json has it: for a gateway whose site file says
// flows: nodeRed:, and with --tests also what the tests need. Plain JavaScript, no packages.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = join(here, "..", ".fieldwatt", "node-red");
const names = ["package.json", "package-lock.json"];

const text = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};
const has = (name) => text(join(folder, "node_modules", name, "package.json")) !== undefined;
const forTests = process.argv.includes("--tests");
const wanted = ["node-red", ...(forTests ? ["node-red-node-test-helper"] : [])];
const isSame = names.every((name) => text(join(folder, name)) === text(join(here, "runtime", name)));

if (!isSame || !wanted.every(has)) {
  console.log(`Bringing Node-RED into ${folder} (once, about half a minute) …`);
  mkdirSync(folder, { recursive: true });
  for (const name of names) copyFileSync(join(here, "runtime", name), join(folder, name));
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
