// Runs before `npm start`, `npm test` and their like, with whatever Node the machine has: brings the packages, and
// with them Node 24, when they are missing or older than the lock file. Plain JavaScript, no packages.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const changed = (...path) => statSync(join(root, ...path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const installed = changed("node_modules", ".package-lock.json");
const complete = changed("node_modules", ".bin", "node") > 0 && installed >= changed("package-lock.json");

if (!complete) {
  console.log("Installing what Fieldwatt needs (once, about a minute) …");
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
  const { status } = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error("npm ci failed: see above. Is there a network? Then try again.");
    process.exit(1);
  }
}
