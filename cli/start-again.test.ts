import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { eventually } from "../test/scenarios/kit.ts";
import { siteWith } from "../test/support/site.ts";

/**
 * A gateway that starts again on what it found right before. Only a built program remembers: elsewhere each start
 * checks all, and these tests hold as well.
 */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const command = join(import.meta.dirname, "fieldwatt.mjs");
let folder: string;
let children: ChildProcess[];
const site = () => join(folder, "site.yaml");
const cache = () => join(folder, "cache");
const remembered = (): string[] =>
  readdirSync(cache())
    .filter((name) => name.startsWith("site-"))
    .map((name) => join(cache(), name));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-again-"));
  children = [];
});
afterEach(async () => {
  for (const child of children) await end(child);
  rmSync(folder, { recursive: true });
});

const connection = { kind: "modbus-tcp", host: "127.0.0.1", port: 1 };
function write(change: object = {}, device = "eastron-sdm120"): void {
  writeFileSync(site(), stringify({ ...siteWith([{ device, connection }]), ...change }));
}

/** The gateway's answer to "who are you"; rejects with what it says where it does not start. */
async function start(): Promise<{ name: string; stop(): Promise<void> }> {
  const env = { ...process.env, NODE_COMPILE_CACHE: cache() };
  const args = ["gateway", "run", "--site", site()];
  const child = fork(command, args, { stdio: ["ignore", "ignore", "pipe", "ipc"], env });
  children.push(child);
  let said = "";
  child.stderr?.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const ended = once(child, "exit").then(() => Promise.reject(new Error(said)));
  const [{ portalPort }] = (await Promise.race([once(child, "message"), ended])) as [{ portalPort: number }];
  ended.catch(() => undefined);
  const page = await (await fetch(`http://127.0.0.1:${portalPort}/`)).text();
  return { name: /Village [A-Z]/.exec(page)?.[0] ?? page, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

it("starts as the site file says now, whatever it said before", async () => {
  write({ name: "Village A" });
  const first = await start();
  expect(first.name).toBe("Village A");
  if (process.env.CI) await eventually("it is remembered", () => remembered().length === 1);
  await first.stop();

  const again = await start();
  expect(again.name).toBe("Village A");
  await again.stop();

  write({ name: "Village B" });
  const other = await start();
  expect(other.name).toBe("Village B");
  await other.stop();

  writeFileSync(site(), readFileSync(site(), "utf8").replace("mounting: load", "mounting: lod"));
  await expect(start()).rejects.toThrow(/site\.yaml:\d+:\d+: .*mounting/s);
  write({ name: "Village B" }, "eastron-sdm121");
  await expect(start()).rejects.toThrow(/site\.yaml:\d+:\d+: .*did you mean eastron-sdm120/s);
});

it("checks everything again where what it remembered is damaged", async () => {
  write({ name: "Village A" });
  const first = await start();
  if (process.env.CI) await eventually("it is remembered", () => remembered().length === 1);
  await first.stop();
  for (const file of remembered()) writeFileSync(file, readFileSync(file).fill(7, 40, 60));
  const second = await start();
  expect(second.name).toBe("Village A");
});
