import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dice } from "../../gateway/record/blocks/fixtures/dice.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { verifyRecord } from "../../gateway/record/repair/verify.ts";
import { differenceOfNumbers, startBusyWriter, type BusyWriter } from "../support/busy-writer.ts";

/**
 * Calls of the system that fail at a chosen point, by strace: for ever, or for a while. Journal, SQLite's log and its
 * checkpoints all go through the same calls, so the point decides what is hit. `npm run test:soak` tries a thousand.
 */
const POINTS = Number(process.env.FIELDWATT_FAULTS ?? 2);
const SEED = Number(process.env.FIELDWATT_SEED ?? 20260615);
const writer = join(import.meta.dirname, "..", "support", "busy-record.ts");

/** Opening a new record calls pwrite64 about 170 times (migrations, the first segment), and fdatasync once. */
const CALLS = [
  { call: "fdatasync", error: "EIO", first: 10, says: "input/output error" },
  { call: "pwrite64", error: "EIO", first: 250, says: "input/output error" },
  { call: "pwrite64", error: "ENOSPC", first: 250, says: "disk full" },
  { call: "pwrite64", error: "EROFS", first: 250, says: "read-only" },
] as const;
/** Commits among which the point is. */
const SPREAD = 1_000;
const REFUSALS = 60;
const AFTERWARDS = 500;

function cannotTrace(): boolean {
  if (spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0) return false;
  if (process.env.CI) throw new Error("strace is missing, or may not trace: apt-get install strace");
  process.stderr.write("test of failing system calls skipped: strace is missing, or may not trace\n");
  return true;
}

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-injected-"));
  path = join(folder, "record.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param when as strace takes it: `20+` for ever, `20..30` for a while */
function startUnder(call: string, error: string, when: string): BusyWriter {
  const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:error=${error}:when=${when}`];
  const strace = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", ...inject];
  return startBusyWriter([...strace, process.execPath, writer, path]);
}

/** What the next start finds. */
async function expectWhole(ledger: Pick<BusyWriter, "kept" | "lost">): Promise<void> {
  {
    await using record = await openRecord({ path });
    expect(differenceOfNumbers(record.readings, ledger)).toEqual({ lost: [], doubled: [], wrong: [] });
    expect(record.stats().failing).toBeUndefined();
  }
  expect(verifyRecord(folder)).toMatchObject({ damagedBlocks: [], damagedFrames: [], file: [] });
}

const points = CALLS.flatMap((one, row) => {
  const chance = dice(SEED + row);
  return Array.from({ length: POINTS }, () => {
    const at = one.first + chance.below(SPREAD);
    return [`${one.call} with ${one.error} from number ${at} on`, { ...one, at }] as const;
  });
});

describe.skipIf(cannotTrace())("a system call that fails", () => {
  it.each(points)(
    "for ever, %s: nothing is acknowledged any more, and nothing is lost",
    { timeout: 60_000 },
    async (_, { call, error, says, at }) => {
      const ledger = await (async () => {
        await using running = startUnder(call, error, `${at}+`);
        await running.until(() => running.lost.length >= REFUSALS);
        return running;
      })();
      expect(ledger.kept.length).toBeGreaterThan(0);
      expect(ledger.keptAfterLost).toEqual([]);
      for (const message of ledger.messages)
        expect(message).toMatch(new RegExp(`^failing The record could not commit: ${says}: `));
      // A commit that was refused may be there all the same: nobody was told later that it is not.
      await expectWhole({ kept: ledger.kept, lost: [] });
    },
  );

  it.each(points)(
    "for a while, %s: it goes on by itself, and what was refused is not there",
    { timeout: 60_000 },
    async (_, { call, error, says, at }) => {
      const ledger = await (async () => {
        await using running = startUnder(call, error, `${at}..${at + 12}`);
        await running.until(() => running.lost.length > 0 && running.keptAfterLost.length >= AFTERWARDS);
        return running;
      })();
      for (const message of ledger.messages)
        expect(message).toMatch(new RegExp(`^(failing|fine) The record could not commit: ${says}: `));
      await expectWhole(ledger);
    },
  );
});
