import { fork, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { FieldwattError } from "../../domain/model/index.ts";

/**
 * One process of the demo, watched: it says when it is ready, it is started again when it dies (as systemd would on
 * a real gateway), and it ends when asked to.
 */
export interface Child<Ready> extends AsyncDisposable {
  readonly name: string;
  readonly ready: Ready;
  readonly pid: () => number | undefined;
}

export interface ChildOptions {
  readonly name: string;
  readonly args: readonly string[];
  /** What the process prints goes here; its last lines are shown when it dies before it was ready. */
  readonly logFile: string;
  readonly signal: AbortSignal;
  onEvent(event: Record<string, unknown>): void;
  /** Told when the process died and is started again, or, with `again` false, when it is given up. */
  onDeath(death: { name: string; how: string; again: boolean }): void;
}

const READY_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 3_500;
const RESTART_PAUSE_MS = 500;
/** A process that dies more often than this within a minute is given up. */
const RESTARTS_A_MINUTE = 10;
const MINUTE_MS = 60_000;
const TAIL_LINES = 5;

const command = fileURLToPath(new URL("../fieldwatt.mjs", import.meta.url));
/** What `fieldwatt` gives itself where it is started without a channel: docs/decisions/0007-memory.md. */
const LEAN = {
  execArgv: [
    ...["--max-semi-space-size=2", "--no-parallel-scavenge", "--max-old-space-size=384", "--expose-gc"],
    "--wasm-wrapper-tiering-budget=2147483647",
  ],
  env: { MALLOC_ARENA_MAX: "2" },
};

export async function startChild<Ready>(options: ChildOptions): Promise<Child<Ready>> {
  const { name, signal, onDeath } = options;
  let ending = false;
  let deaths: number[] = [];
  let current: Running;

  const onExit = (how: string): void => {
    if (ending || signal.aborted) return;
    const now = performance.now();
    deaths = [...deaths.filter((at) => at > now - MINUTE_MS), now];
    const again = deaths.length <= RESTARTS_A_MINUTE;
    onDeath({ name, how, again });
    if (!again) return;
    setTimeout(() => {
      if (ending || signal.aborted) return;
      current = run(options);
      current.ready.then(
        () => current.exit.then(onExit),
        () => onExit("before it was ready"),
      );
    }, RESTART_PAUSE_MS);
  };

  current = run(options);
  const ready = (await current.ready) as Ready;
  void current.exit.then(onExit);
  return {
    name,
    ready,
    pid: () => current.process.pid,
    async [Symbol.asyncDispose]() {
      ending = true;
      await end(current);
    },
  };
}

interface Running {
  readonly process: ChildProcess;
  readonly ready: Promise<Record<string, unknown>>;
  readonly exit: Promise<string>;
}

function run({ name, args, logFile, onEvent }: ChildOptions): Running {
  const { execArgv, env } = LEAN;
  const child = fork(command, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv,
    env: { ...process.env, ...env },
  });
  const log = createWriteStream(logFile, { flags: "a", mode: 0o600 });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      log.write(chunk);
      tail.push(...chunk.toString().trimEnd().split("\n"));
      tail.splice(0, Math.max(0, tail.length - TAIL_LINES));
    });
  }
  const { promise: ready, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const { promise: exit, resolve: exited } = Promise.withResolvers<string>();
  const timeout = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
  child.on("message", (message) => {
    const event = message as Record<string, unknown>;
    if (event.event === "ready") {
      clearTimeout(timeout);
      resolve(event);
    } else onEvent(event);
  });
  child.once("exit", (code, signal) => {
    clearTimeout(timeout);
    log.end();
    exited(signal ?? `exit code ${code}`);
    reject(
      new FieldwattError(
        "CHILD_FAILED",
        `${name} ended (${signal ?? `exit code ${code}`}) before it was ready:\n${tail.join("\n")}`,
      ),
    );
  });
  return { process: child, ready, exit };
}

async function end({ process: child, exit }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  await exit;
  clearTimeout(kill);
}
