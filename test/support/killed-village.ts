import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "../../cli/demo/ports.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { clockLineToText, openClock, type ClockLine } from "../../platform/clock.ts";
import { openPublisher, type Publisher } from "./publishers.ts";
import { siteWith } from "./site.ts";

/**
 * A village whose gateway is a process that a test ends as it likes, and whose meters go on publishing. Its clock runs
 * so fast that hours are packed and days put together while the test runs.
 */
export interface KilledVillage extends AsyncDisposable {
  readonly data: string;
  readonly publishers: readonly Publisher[];
  start(kind: "light" | "whole"): RunningProcess;
}

export interface RunningProcess {
  /** The record is about to be opened; a whole gateway does not say so. */
  readonly opening: Promise<void>;
  /** Rejects when the process ends before. */
  readonly ready: Promise<{ readonly portalPort?: number }>;
  readonly output: () => string;
  /** Sends a signal, and resolves when the process is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** A village hour in a quarter of a second, a day in six. */
const SPEED = 14_400;
const light = join(import.meta.dirname, "light-gateway.ts");
const command = join(import.meta.dirname, "..", "..", "cli", "fieldwatt.mjs");
/** As the command line keeps it: code that is stripped of its types and compiled. */
const codeCache = join(tmpdir(), `fieldwatt-code-${process.getuid?.()}`);
/** Of the process's output, for a failed test. */
const OUTPUT_MAX = 1_000_000;

export interface KilledVillageOptions {
  readonly folder: string;
  readonly meters: number;
  /** Where the data lie; in the folder where absent. */
  readonly data?: string;
  readonly speed?: number;
}

export async function openKilledVillage(options: KilledVillageOptions): Promise<KilledVillage> {
  const { folder, meters, data = join(folder, "data"), speed = SPEED } = options;
  mkdirSync(data, { recursive: true });
  const port = await freePort();
  const device = (id: string) => ({
    ...{ device: "senml-pack", mounting: "load" },
    connection: { kind: "mqtt", topic: `devices/${id}` },
  });
  const ids = Array.from({ length: meters }, (_, i) => `meter-${i + 1}`);
  const file = join(folder, "site.yaml");
  writeFileSync(file, stringify({ ...siteWith(ids.map(device)), data, broker: { port } }));
  const passwords = await setDevicePasswords(data, ids, randomBytes);
  const line: ClockLine = { world: Date.now(), village: Date.UTC(2026, 5, 15), speed };
  const clock = openClock(() => Date.now(), line);
  const now = (): number => clock.now();
  const publishers = ids.map((id) => openPublisher({ id, password: passwords[id] ?? "", port, now }));
  const children = new Set<RunningProcess>();
  return {
    data,
    publishers,
    start(kind) {
      const text = clockLineToText(line);
      const whole = ["gateway", "run", "--site", file, "--clock", text, "--log-level", "info"];
      const child = watch(kind === "light" ? run(light, [file, text]) : run(command, whole));
      children.add(child);
      return child;
    },
    async [Symbol.asyncDispose]() {
      for (const publisher of publishers) await publisher[Symbol.asyncDispose]();
      for (const child of children) await child.end();
    },
  };
}

const run = (file: string, args: readonly string[]): ChildProcess =>
  fork(file, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: [
      "--max-semi-space-size=2",
      "--no-parallel-scavenge",
      "--max-old-space-size=384",
      "--expose-gc",
    ],
    env: { ...process.env, MALLOC_ARENA_MAX: "2", NODE_COMPILE_CACHE: codeCache },
  });

function watch(child: ChildProcess): RunningProcess {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-OUTPUT_MAX)));
  const opening = Promise.withResolvers<undefined>();
  const ready = Promise.withResolvers<{ portalPort?: number }>();
  child.on("message", (message: { event: string; portalPort?: number }) => {
    if (message.event === "opening") opening.resolve(undefined);
    if (message.event === "ready") ready.resolve(message);
  });
  const gone = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      const error = new Error(`the process ended with ${signal ?? code}: ${output}`);
      opening.reject(error);
      ready.reject(error);
      resolve();
    });
  });
  for (const { promise } of [opening, ready]) promise.catch(() => undefined);
  return {
    opening: opening.promise,
    ready: ready.promise,
    output: () => output,
    async end(signal = "SIGKILL") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
    },
  };
}
