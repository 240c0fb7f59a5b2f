import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openRecord } from "../../gateway/record/open.ts";

/** Real faults of a real disk, against what the sender was told. */

const appender = new URL("../../gateway/record/fixtures/appender.ts", import.meta.url).pathname;
const power = streamId(deviceId("meter"), "activePower");
const has = (command: string): boolean => spawnSync("which", [command]).status === 0;
const mayMount = process.getuid?.() === 0 && has("mount");

let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-disk-"));
});
afterEach(() => {
  if (child) endGroup(child);
  rmSync(folder, { recursive: true, force: true });
});

/** Whoever traces would be ended without whom it traces. */
function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}

interface Ledger {
  readonly kept: Set<number>;
  readonly lost: Set<number>;
  readonly messages: Set<string>;
}

/** Runs the appender until `seen` says "enough"; what it was told of each number. */
async function appendUnder(
  command: readonly string[],
  { path, seen }: { readonly path: string; seen(ledger: Ledger): "more" | "enough" },
): Promise<Ledger> {
  const [program = process.execPath, ...args] = [...command, process.execPath, appender, path, "0"];
  const running = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  child = running;
  const ledger: Ledger = { kept: new Set(), lost: new Set(), messages: new Set() };
  createInterface({ input: running.stdout }).on("line", (line) => {
    const [word, number, ...message] = line.split(" ");
    if (word === "kept") ledger.kept.add(Number(number));
    if (word === "lost") ledger.lost.add(Number(number));
    if (word === "lost") ledger.messages.add(message.join(" "));
    if (seen(ledger) === "enough") endGroup(running);
  });
  await new Promise((resolve) => running.once("close", resolve));
  return ledger;
}

async function expectToHold(path: string, { kept, lost }: Ledger): Promise<void> {
  await using record = await openRecord({ path });
  const readings = record.readings.between(power, { from: instant(0), to: instant(1e9) });
  const found = new Set(readings.map(({ time }) => Number(time)));
  expect(found.size).toBe(readings.length);
  expect([...kept].filter((number) => !found.has(number)).length).toBe(0);
  expect([...lost].filter((number) => found.has(number)).length).toBe(0);
  expect(record.stats().damagedFrames).toEqual([]);
}

it.skipIf(!has("strace"))(
  "acknowledges nothing that a failed fdatasync left behind, and goes on in another segment",
  async () => {
    const path = join(folder, "record.sqlite");
    const strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync"];
    const eio = [...strace, "-e", "inject=fdatasync:error=EIO:when=20..24"];
    const ledger = await appendUnder(eio, {
      path,
      seen: ({ kept, lost }) => (lost.size > 0 && kept.size > 2_000 ? "enough" : "more"),
    });
    expect(ledger.lost.size).toBeGreaterThanOrEqual(5);
    for (const message of ledger.messages)
      expect(message).toMatch(/^(failing|fine) The record could not commit: input\/output error: EIO/);
    await expectToHold(path, ledger);
  },
  60_000,
);

it.skipIf(!mayMount)(
  "acknowledges nothing while the disk is full, and goes on by itself when there is room",
  async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", disk]);
    try {
      const path = join(disk, "data", "record.sqlite");
      const ballast = join(disk, "ballast");
      writeFileSync(ballast, Buffer.alloc(5 * 1024 * 1024));
      let keptBefore: number | undefined;
      const ledger = await appendUnder([], {
        path,
        seen({ kept, lost }) {
          // Once it says that the disk is full somebody makes room.
          if (keptBefore === undefined && lost.size >= 50) rmSync(ballast);
          if (lost.size >= 50) keptBefore ??= kept.size;
          return keptBefore !== undefined && kept.size > keptBefore + 500 ? "enough" : "more";
        },
      });
      for (const message of ledger.messages)
        expect(message).toMatch(/^failing The record could not commit: disk full/);
      await expectToHold(path, ledger);
    } finally {
      execFileSync("umount", ["--lazy", disk]);
    }
  },
  60_000,
);
