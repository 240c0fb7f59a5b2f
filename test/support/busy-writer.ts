import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import type { Readings } from "../../gateway/record/readings.ts";

export const BUSY_DEVICE = "meter";
const START = Date.UTC(2026, 0, 1);
/** 360 readings an hour. */
const STEP_MS = 10_000;
export const timeOfNumber = (number: number): number => START + number * STEP_MS;

/** A process that writes numbers and says what became of them; what it says is the ledger. */
export interface BusyWriter extends AsyncDisposable {
  /** Numbers that were acknowledged, in that order, and refused. */
  readonly kept: number[];
  readonly lost: number[];
  /** What a refusal said; the first word tells whether the record called itself failing. */
  readonly messages: Set<string>;
  /** Numbers that were acknowledged after the first refusal. */
  readonly keptAfterLost: number[];
  readonly ended: Promise<void>;
  /** Resolves when it is so, or rejects when the process ends before. */
  until(isSo: () => boolean): Promise<void>;
  /** Stands still, with nothing under way to the disk; `resume` lets it go on. */
  halt(): Promise<void>;
  resume(): void;
}

/** @param command what runs it, and before it what watches it: `strace …` */
export function startBusyWriter(command: readonly string[]): BusyWriter {
  const [program = "", ...args] = command;
  // A group of its own: whoever traces would be ended without whom it traces.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ledger = { kept: [] as number[], lost: [] as number[], keptAfterLost: [] as number[] };
  const messages = new Set<string>();
  let look: () => void = () => undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [word, number, ...message] = line.split(" ");
    if (word === "kept" && ledger.lost.length > 0) ledger.keptAfterLost.push(Number(number));
    if (word === "kept") ledger.kept.push(Number(number));
    if (word === "lost") ledger.lost.push(Number(number));
    if (word === "lost") messages.add(message.join(" "));
    look();
  });
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  return {
    ...ledger,
    messages,
    ended,
    until(isSo) {
      if (isSo()) return Promise.resolve();
      const so = new Promise<void>((resolve) => (look = () => isSo() && resolve()));
      const gone = ended.then(() => {
        if (!isSo()) throw new Error(`the writer ended early, after ${ledger.kept.length} readings`);
      });
      return Promise.race([so, gone]);
    },
    async halt() {
      signalGroup(child, "SIGSTOP");
      while (!standsStill(Number(child.pid))) await wait(1);
    },
    resume: () => signalGroup(child, "SIGCONT"),
    async [Symbol.asyncDispose]() {
      signalGroup(child, "SIGKILL");
      await ended;
    },
  };
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal);
}

/** proc(5): every thread is stopped (T); one that waits for the disk (D) is not yet. */
function standsStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^State:\tT/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")),
  );
}

/** What of the ledger a record lost, and what it has more than once, or never should have. */
export function differenceOfNumbers(
  readings: Pick<Readings, "since">,
  { kept, lost }: { readonly kept: readonly number[]; readonly lost: readonly number[] },
): { readonly lost: number[]; readonly doubled: number[]; readonly wrong: number[] } {
  const refused = new Set(lost);
  const [seen, doubled, wrong] = [new Set<number>(), [] as number[], [] as number[]];
  const streams = [streamId(deviceId(BUSY_DEVICE), "activePower")];
  for (const { time, value } of readings.since(instant(0), { streams })) {
    if (seen.has(value)) doubled.push(value);
    if (time !== timeOfNumber(value) || refused.has(value)) wrong.push(value);
    seen.add(value);
  }
  return { lost: kept.filter((number) => !seen.has(number)), doubled, wrong };
}
