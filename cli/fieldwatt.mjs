#!/usr/bin/env node
// The command `fieldwatt`, plain JavaScript. It sees to it that the program runs on Node 24, which comes with the
// packages, and that what runs for years takes little memory (docs/decisions/0007-memory.md).
import module from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { builtProgram } from "./built.mjs";

/**
 * V8 would let the space of young objects grow to 48 MB in each thread, and clear each small one with four threads,
 * which on a busy machine mostly wait for each other. Where the machine has gigabytes it would also let
 * 200 MB of old objects gather in a gateway that needs 60. And it keeps what starting left behind until it needs room:
 * a gateway asks it once to let go (platform/settled.ts).
 */
const FLAGS = ["--max-semi-space-size=2", "--no-parallel-scavenge"];
/** V8 of Node 24 may abort where it compiles calls out of WebAssembly anew, and the hub's database is made of that. */
const HUB_FLAGS = [...FLAGS, "--wasm-wrapper-tiering-budget=2147483647"];
const GATEWAY_FLAGS = [...FLAGS, "--max-old-space-size=384", "--expose-gc"];
/** The C library would give each thread a heap of its own. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: "2" };

const self = fileURLToPath(import.meta.url);
const args = process.argv.slice(2);
const isNewEnough = Number(process.versions.node.split(".")[0]) >= 24;
const flags = args[0] === "gateway" ? GATEWAY_FLAGS : HUB_FLAGS;
const isService = args[1] === "run" && (args[0] === "gateway" || args[0] === "hub");
// Whoever starts this with a channel has chosen the flags, and a channel cannot be handed over.
const isLean =
  !isService || process.send !== undefined || flags.every((flag) => process.execArgv.includes(flag));

if (isNewEnough && isLean) await load();
else await handOver(isNewEnough ? process.execPath : await ownNode());

async function load() {
  // Code stripped of its types is kept, so that later starts need no TypeScript parser, neither here nor in threads,
  // which go by the variable.
  const { NODE_COMPILE_CACHE, CACHE_DIRECTORY, STATE_DIRECTORY } = process.env;
  const folder = join(CACHE_DIRECTORY ?? STATE_DIRECTORY ?? join(homedir(), ".cache"), "fieldwatt-code");
  const { directory } = module.enableCompileCache(NODE_COMPILE_CACHE ?? folder);
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= folder;
  const built = builtProgram();
  delete process.env.FIELDWATT_BUILD;
  if (built !== undefined) process.env.FIELDWATT_BUILD = built.name;
  await import(pathToFileURL(built?.entry ?? join(dirname(self), "main.ts")));
}

async function handOver(node) {
  const command = [...(isService ? flags : []), ...process.execArgv, self, ...args];
  const env = { ...process.env, ...(isService && ENVIRONMENT) };
  // In the place of this process where Node can do that: no second one waits beside it.
  if (process.execve !== undefined && process.platform !== "win32")
    process.execve(node, [node, ...command], env);
  const { spawn } = await import("node:child_process");
  const child = spawn(node, command, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

async function ownNode() {
  const { existsSync } = await import("node:fs");
  const own = join(dirname(self), "..", "node_modules", ".bin", "node");
  return existsSync(own) ? own : process.execPath;
}
