#!/usr/bin/env node
// The command `fieldwatt`: hands over to Node 24, which comes with the packages when the machine's own is older.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const own = join(here, "..", "node_modules", ".bin", "node");
const newEnough = Number(process.versions.node.split(".")[0]) >= 24;
const node = !newEnough && existsSync(own) ? own : process.execPath;
const main = ["main.ts", "main.js"].map((name) => join(here, name)).find(existsSync);

const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
