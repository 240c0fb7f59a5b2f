import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { dice } from "../../gateway/record/blocks/fixtures/dice.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { differenceOfNumbers, startBusyWriter, type BusyWriter } from "../support/busy-writer.ts";
import { cannotMount, copyImage, mountImage, openImageDisk } from "../support/disks.ts";

/**
 * Power cuts: the writer stands still, the image that holds its file system is copied, and the copy is what a machine
 * finds that gets its power back; what the system had only in memory is not in it. SQLite's synchronous=NORMAL is seen
 * to lose by the same method. `npm run test:soak` cuts five thousand times.
 */
const CUTS = Number(process.env.FIELDWATT_CUTS ?? 20);
const SEED = Number(process.env.FIELDWATT_SEED ?? 20260615);
/** Cuts of one writer on one disk; then both begin anew, before the disk is full. */
const CUTS_A_DISK = 20;
const DISK_MB = 128;
/** Acknowledgements between two cuts, at most. */
const READINGS_MAX = 1_500;
/** SQLite needs no more to show what it does. */
const SQLITE_CUTS = 8;

const script = (name: string): string => join(import.meta.dirname, "..", "support", name);

/** Lets `program` write on a disk of its own, and cuts the power; `look` sees each copy. */
async function cutPower(
  program: (disk: string) => readonly string[],
  options: { readonly cuts: number; readonly seed: number },
  look: (disk: string, ledger: Pick<BusyWriter, "kept" | "lost">) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-power-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  const disk = stack.use(openImageDisk(folder, DISK_MB));
  const writer = stack.use(startBusyWriter([process.execPath, ...program(disk.folder)]));
  const chance = dice(options.seed);
  const copy = join(folder, "copy.img");
  for (let cut = 0; cut < options.cuts; cut++) {
    const enough = writer.kept.length + 1 + chance.below(READINGS_MAX);
    await writer.until(() => writer.kept.length >= enough);
    await wait(chance.below(10));
    await writer.halt();
    const ledger = { kept: [...writer.kept], lost: [...writer.lost] };
    copyImage(disk.image, copy);
    writer.resume();
    using found = mountImage(copy, join(folder, "copy"));
    await look(found.folder, ledger);
  }
}

describe.skipIf(cannotMount("power cuts"))("a power cut", () => {
  it(
    `loses nothing that was acknowledged, and doubles nothing, ${CUTS} times`,
    { timeout: 60_000 + CUTS * 5_000 },
    async () => {
      const program = (disk: string) => [script("busy-record.ts"), join(disk, "record.sqlite")];
      let seen = 0;
      for (let done = 0; done < CUTS; done += CUTS_A_DISK) {
        const options = { cuts: Math.min(CUTS_A_DISK, CUTS - done), seed: SEED + done };
        await cutPower(program, options, async (disk, ledger) => {
          await using record = await openRecord({ path: join(disk, "record.sqlite") });
          const difference = differenceOfNumbers(record.readings, ledger);
          expect(difference).toEqual({ lost: [], doubled: [], wrong: [] });
          expect(record.stats().damagedFrames).toEqual([]);
          expect(ledger.lost).toEqual([]);
          seen++;
        });
      }
      expect(seen).toBe(CUTS);
    },
  );

  it.each([
    ["is seen to lose what SQLite acknowledged with synchronous=NORMAL", "NORMAL", true],
    ["loses nothing of SQLite with synchronous=FULL", "FULL", false],
  ])("%s", { timeout: 120_000 }, async (_, synchronous, loses) => {
    const program = (disk: string) => [script("plain-sqlite.ts"), join(disk, "plain.sqlite"), synchronous];
    const lost: number[] = [];
    await cutPower(program, { cuts: SQLITE_CUTS, seed: SEED }, (disk, { kept }) => {
      using db = new DatabaseSync(join(disk, "plain.sqlite"));
      const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"];
      const rows =
        Number(tables) === 0 ? 0 : Number(db.prepare("SELECT count(*) AS n FROM reading").get()?.["n"]);
      lost.push(Math.max(0, kept.length - rows));
      return Promise.resolve();
    });
    expect(lost.some((count) => count > 0)).toBe(loses);
  });
});
