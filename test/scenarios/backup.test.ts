import { execFile } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startChild } from "../../cli/demo/children.ts";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { verifyRecord } from "../../gateway/record/repair/verify.ts";
import { clockLineToText } from "../../platform/clock.ts";
import { eventually, openVillage } from "./kit.ts";
import { openMeter, type Meter } from "./meters.ts";

const main = join(import.meta.dirname, "../../cli/fieldwatt.mjs");
const fieldwatt = async (...words: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [main, ...words])).stdout;

/** Registers of the meter that the record in this folder does not hold since `from`. */
function missing(data: string, { id }: Meter, registers: Iterable<number>, from = 0): number[] {
  using reader = openRecordReader(data);
  const stream = streamId(deviceId(id), "activeEnergyImport");
  const kept = reader.readings.between(stream, { from: instant(from), to: instant(9e12) });
  const values = new Set(kept.map(({ value }) => value));
  return [...registers].filter((register) => !values.has(register));
}

it(
  "a backup of a gateway that takes readings restores to one that starts, with all that was acknowledged before",
  { timeout: 120_000 },
  async () => {
    // An hour of the village passes every 1.2 s: the gateway packs while it is copied.
    await using village = await openVillage({ members: 4, speed: 3_000 });
    const gateway = await village.startGateway();
    const meters = village.members.map((member) => openMeter(village, member, { everyMs: 2, wattHours: 1 }));
    await eventually("readings", () => meters.every(({ acknowledged }) => acknowledged.size > 200));
    const [site, secret] = [join(village.folder, "site.yaml"), join(village.folder, "passphrase")];
    writeFileSync(secret, "the mango tree behind the mill\n");

    for (const round of [1, 2]) {
      const before = meters.map(({ acknowledged }) => [...acknowledged]);
      const [file, into] = [
        join(village.folder, `${round}.backup`),
        join(village.folder, `restored-${round}`),
      ];
      await fieldwatt("record", "backup", "--site", site, "--to", file, "--passphrase-file", secret);
      await fieldwatt("record", "restore", file, "--into", into, "--passphrase-file", secret);
      expect(verifyRecord(join(into, "data"))).toMatchObject({
        damagedBlocks: [],
        damagedFrames: [],
        file: [],
      });
      for (const [i, meter] of meters.entries())
        expect(missing(join(into, "data"), meter, before[i] ?? [])).toEqual([]);
    }
    const note = readFileSync(join(village.folder, "gateway", "backup-last.json"), "utf8");
    expect(JSON.parse(note)).toMatchObject({ file: join(village.folder, "2.backup") });
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await gateway[Symbol.asyncDispose]();

    // Where the site file says: beside it, as "gateway".
    const restored = join(village.folder, "restored-2");
    renameSync(join(restored, "data"), join(restored, "site", "gateway"));
    const stop = new AbortController();
    await using _again = await startChild<unknown>({
      name: "restored",
      args: [
        ...["gateway", "run", "--site", join(restored, "site", "site.yaml")],
        ...["--clock", clockLineToText(village.line)],
      ],
      logFile: join(village.folder, "restored.log"),
      signal: stop.signal,
      onEvent: () => undefined,
      onDeath: () => undefined,
    });
    const started = village.now();
    const again = openMeter(village, "household-01", { everyMs: 2, wattHours: 1 });
    await eventually("readings again", () => again.acknowledged.size > 50);
    await again[Symbol.asyncDispose]();
    expect(missing(join(restored, "site", "gateway"), again, again.acknowledged, started)).toEqual([]);
  },
);
