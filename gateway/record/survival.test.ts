import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openRecord } from "./open.ts";

/** Promise 1, from the sender's side: what a killed or disk-less process acknowledged is there afterwards. */

const appender = new URL("./fixtures/appender.ts", import.meta.url).pathname;
const power = streamId(deviceId("meter"), "activePower");

let folder: string;
let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-survival-"));
  path = join(folder, "record.sqlite");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Starts the appender; `seen` gets each of its lines. Resolves with the lines' numbers when it has ended. */
function run(
  command: string,
  args: string[],
  seen: (line: string, child: ChildProcess) => void,
): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  createInterface({ input: child.stdout }).on("line", (line) => seen(line, child));
  return new Promise((resolve) => child.once("close", () => resolve()));
}

async function keptNumbers(): Promise<Set<number>> {
  await using record = await openRecord({ path });
  const readings = record.readings.between(power, { from: instant(0), to: instant(1e9) });
  expect(readings.every((reading) => reading.value === reading.time)).toBe(true);
  return new Set(readings.map((reading) => reading.time));
}

it("has every acknowledged reading after kill -9, five times in a row", async () => {
  const ledger = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const before = ledger.size;
    await run(process.execPath, [appender, path, String(round * 100_000)], (line, child) => {
      ledger.add(Number(line.split(" ")[1]));
      if (ledger.size - before >= 300 + round * 111) child.kill("SIGKILL");
    });
    expect(ledger.size - before).toBeGreaterThanOrEqual(300);
    const kept = await keptNumbers();
    expect([...ledger].filter((number) => !kept.has(number))).toEqual([]);
  }
});

it("acknowledges nothing while the disk is full, keeps running, and goes on when there is room", async () => {
  const limit = 700_000;
  const kept = new Set<number>();
  const lost = new Set<number>();
  const messages = new Set<string>();
  let keptAfterwards = 0;
  // RLIMIT_FSIZE makes the kernel refuse any write beyond the limit with EFBIG: a real fault of a real file.
  const args = [`--fsize=${limit}:unlimited`, process.execPath, appender, path, "0"];
  await run("prlimit", args, (line, child) => {
    const [word, number, failing, ...message] = line.split(" ");
    if (word === "kept") kept.add(Number(number));
    if (word === "kept" && lost.size > 0 && ++keptAfterwards === 200) child.kill("SIGTERM");
    if (word !== "lost") return;
    lost.add(Number(number));
    messages.add(`${failing} ${message.join(" ")}`);
    if (lost.size === 100) spawnSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited:unlimited"]);
  });
  expect(lost.size).toBeGreaterThanOrEqual(100);
  expect(keptAfterwards).toBeGreaterThanOrEqual(200);
  expect([...messages]).toEqual([expect.stringMatching(/^failing The record could not commit: /)]);
  const found = await keptNumbers();
  expect([...kept].filter((number) => !found.has(number))).toEqual([]);
  expect([...lost].filter((number) => found.has(number))).toEqual([]);
});
