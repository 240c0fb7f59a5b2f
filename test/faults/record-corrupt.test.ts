import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceId, HOUR_MS, instant, streamId, toIso, type Reading } from "../../domain/model/index.ts";
import { dice } from "../../gateway/record/blocks/fixtures/dice.ts";
import { recordHealth } from "../../gateway/record/health.ts";
import { framesAfter, type Replayed } from "../../gateway/record/journal/replay.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { packedFrame } from "../../gateway/record/progress.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { openLog } from "../../platform/log.ts";
import { eventually } from "../scenarios/kit.ts";
import { openKilledVillage } from "../support/killed-village.ts";

/**
 * A card that forgets: parts of the record's files are overwritten while nothing runs. `verify` names what is gone,
 * the gateway says what happened and what to do, `repair` lists what was lost, and everything else is as it was.
 */
const DAY = Date.UTC(2026, 5, 14);
const HOURS = 6;
const STEP_MS = 4_000;
const METERS = ["meter-1", "meter-2"];
/** Commits that are not packed. */
const COMMITS = 40;
const COMMIT_READINGS = 10;
const streamOf = (meter: string) => streamId(deviceId(meter), "activePower");
const main = join(import.meta.dirname, "..", "..", "cli", "fieldwatt.mjs");

let base: string;
const whole = new Map<string, number>();
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "fieldwatt-corrupt-"));
  await writeRecord(join(base, "whole"));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true }));

/** Six hours in blocks, and some commits in the journal; values that no codec makes small. */
async function writeRecord(folder: string): Promise<void> {
  const chance = dice(7);
  let now = DAY;
  await using record = await openRecord({ path: join(folder, "record.sqlite"), now: () => instant(now) });
  const reading = (meter: string, time: number): Reading => {
    const value = chance.below(2 ** 32) / 1_000;
    whole.set(`${meter} ${time}`, value);
    return { stream: streamOf(meter), time: instant(time), value, quality: "ok" };
  };
  for (let hour = 0; hour < HOURS; hour++) {
    const times = Array.from({ length: HOUR_MS / STEP_MS }, (_, i) => DAY + hour * HOUR_MS + i * STEP_MS);
    await record.append(METERS.flatMap((meter) => times.map((time) => reading(meter, time))));
  }
  // The commit before this moment has been looked at when the turn is over.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  now += HOURS * HOUR_MS;
  await record.append([reading("meter-1", now)]);
  await eventually("packed hours", () => record.stats().readingsHot === 0);
  for (let at = 1; at <= COMMITS * COMMIT_READINGS; at += COMMIT_READINGS)
    await record.append(
      Array.from({ length: COMMIT_READINGS }, (_, i) => reading("meter-2", now + (at + i) * STEP_MS)),
    );
}

/** What a record does not have any more of what it had; what it has is what it was. */
function missingIn(folder: string): Map<string, number> {
  using reader = openRecordReader(folder);
  const missing = new Map<string, number>();
  const found = new Map<string, number>();
  const span = { from: instant(DAY), to: instant(DAY + 24 * HOUR_MS) };
  for (const meter of METERS)
    for (const { time, value } of reader.readings.between(streamOf(meter), span))
      found.set(`${meter} ${time}`, value);
  for (const [key, value] of whole) if (found.get(key) !== value) missing.set(key, value);
  expect(found.size + missing.size).toBe(whole.size);
  return missing;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const command = (folder: string, ...words: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const args = [main, "record", ...words, "--site", join(folder, "site.yaml")];
    execFile(process.execPath, args, { maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });

/** Turns the bits of a file over. */
function spoil(file: string, at: number, bytes = 1): void {
  const content = readFileSync(file);
  for (let i = at; i < at + bytes; i++) content.writeUInt8(content.readUInt8(i) ^ 0xff, i);
  writeFileSync(file, content);
}

function ask<T>(data: string, look: (db: DatabaseSync) => T): T {
  using db = new DatabaseSync(join(data, "record.sqlite"), { readOnly: true });
  return look(db);
}

function spoilPage(data: string, sql: string): void {
  const [page, size] = ask(data, (db) => [
    Number(Object.values(db.prepare(sql).get() ?? {})[0]),
    Number(db.prepare("PRAGMA page_size").get()?.["page_size"]),
  ]) as [number, number];
  spoil(join(data, "record.sqlite"), (page - 1) * size, size);
}

/** Commits of the journal that are not packed. */
const framesOf = (data: string): Replayed[] => [
  ...framesAfter(join(data, "journal"), ask(data, packedFrame)),
];

const keysOf = (frames: readonly Replayed[]): string[] =>
  frames.flatMap(({ columns }) =>
    Array.from(columns.times.subarray(0, columns.count), (t) => `meter-2 ${t}`),
  );
const hourKeys = (meter: string, from: number): string[] =>
  [...whole.keys()].filter((key) => {
    const [device, time] = key.split(" ");
    return device === meter && Number(time) >= from && Number(time) < from + HOUR_MS;
  });

interface Damage {
  /** Overwrites something, and tells what was there. */
  spoil(data: string): string[];
  readonly verifySays: RegExp;
  /** What a gateway says that finds it at its start. */
  readonly gatewaySays: RegExp;
  /** What `verify` says of it after the repair, or after a gateway packed what was left; by default nothing. */
  readonly verifyRemembers?: RegExp;
  /** What `repair` lists; the list of keys is what it says that it lost. */
  listed(told: Told): string[];
}

interface Told {
  readonly blocks: readonly { readonly device: string; readonly first: string; readonly readings: number }[];
  readonly frames: readonly { readonly from: number; readonly to: number }[];
  readonly tables: readonly { readonly table: string; readonly lost: readonly string[] }[];
}

const journalDamage = (first: number, count: number, spoilFrames: (frames: Replayed[]) => void): Damage => {
  let frames: Replayed[] = [];
  return {
    spoil(data) {
      const all = framesOf(data);
      frames = all.slice(first, first + count);
      spoilFrames(frames);
      return keysOf(frames);
    },
    verifySays: /Commits? \d+ .*of the journal cannot be read: they came between 2026-06-14T06:/,
    gatewaySays: /the journal has lost commits: fieldwatt record verify/,
    verifyRemembers:
      /Lost before, nothing is left to repair: Commits? \d+ .*they came between 2026-06-14T06:/,
    listed: (told) => {
      const lost = frames.filter(({ number }) =>
        told.frames.some(({ from, to }) => number >= from && number <= to),
      );
      return keysOf(lost);
    },
  };
};

const DAMAGED = /A file of the record is damaged\..* fieldwatt record repair/;
const DAMAGES: Readonly<Record<string, Damage>> = {
  "a commit in the middle of the journal": journalDamage(20, 1, ([frame]) => {
    if (frame) spoil(frame.path, frame.at + 100);
  }),
  "pages of the journal with several commits": journalDamage(10, 3, ([frame]) => {
    if (frame) spoil(frame.path, frame.at, 3 * frame.bytes);
  }),
  "a page of the table of blocks": {
    spoil(data) {
      const sql = "SELECT pageno FROM dbstat WHERE name = 'block' AND pagetype = 'leaf' ORDER BY pageno";
      spoilPage(data, sql);
      return [];
    },
    verifySays: /cannot be read: database disk image is malformed.* fieldwatt record repair/,
    gatewaySays: DAMAGED,
    listed: ({ tables }) =>
      tables.flatMap(({ lost }) =>
        lost.flatMap((words) => {
          const [, meter = "", from = ""] = /\((\S+) from (\S+)\)/.exec(words) ?? [];
          return hourKeys(meter, Date.parse(from));
        }),
      ),
  },
  "the root page of the table of streams": {
    spoil(data) {
      spoilPage(data, "SELECT rootpage FROM sqlite_schema WHERE name = 'stream'");
      return [];
    },
    verifySays: /cannot be read: database disk image is malformed.* fieldwatt record repair/,
    gatewaySays: DAMAGED,
    // The names are in an index, too: nothing is lost.
    listed: () => [],
  },
};

function spoiltCopy(damage?: Damage): { folder: string; data: string; lost: string[] } {
  const folder = mkdtempSync(join(base, "run-"));
  const data = join(folder, "data");
  cpSync(join(base, "whole"), data, { recursive: true });
  return { folder, data, lost: damage?.spoil(data) ?? [] };
}

const villageIn = ({ folder, data }: { readonly folder: string; readonly data: string }) =>
  openKilledVillage({ folder, data, meters: METERS.length, speed: 1 });

describe.each(Object.entries(DAMAGES))("%s that is damaged", (_, damage) => {
  it("is named when a gateway starts, with what to do", { timeout: 60_000 }, async () => {
    const copy = spoiltCopy(damage);
    await using village = await villageIn(copy);
    const running = village.start("whole");
    await running.ready;
    await eventually("a line in the log", () => damage.gatewaySays.test(running.output()), 30_000);
    if (!damage.verifyRemembers) return;
    // The file forgets nothing that the journal is about to be written over.
    await running.end("SIGTERM");
    const { stdout } = await command(copy.folder, "verify");
    expect(stdout).toMatch(/of the journal cannot be read: they came between 2026-06-14T06:/);
  });

  it(
    "is named by verify, listed by repair, and then all else is as it was",
    { timeout: 60_000 },
    async () => {
      const copy = spoiltCopy(damage);
      await using village = await villageIn(copy);
      const verified = await command(copy.folder, "verify");
      expect(verified.code).toBe(1);
      expect(verified.stdout + verified.stderr).toMatch(damage.verifySays);

      const repaired = await command(copy.folder, "repair", "--yes", "--json");
      expect(repaired.code, repaired.stderr).toBe(0);
      const listed = damage.listed(JSON.parse(repaired.stdout) as Told).toSorted();
      expect([...missingIn(copy.data).keys()].toSorted()).toEqual(listed);
      expect(listed).toEqual(expect.arrayContaining(copy.lost));
      const verifiedAgain = await command(copy.folder, "verify");
      expect(verifiedAgain.code).toBe(0);
      if (damage.verifyRemembers) expect(verifiedAgain.stdout).toMatch(damage.verifyRemembers);

      const running = village.start("whole");
      await running.ready;
      await village.publishers[0]?.more(20);
      await running.end("SIGTERM");
      expect([...missingIn(copy.data).keys()].toSorted()).toEqual(listed);
    },
  );
});

describe("a block that is damaged", () => {
  const HOUR = DAY + 2 * HOUR_MS;
  const flip = (data: string): void => {
    const sql = "SELECT data FROM block WHERE first = ? AND device = (SELECT id FROM device WHERE name = ?)";
    const bytes = ask(data, (db) => db.prepare(sql).get(HOUR, "meter-1")?.["data"] as Uint8Array);
    const file = join(data, "record.sqlite");
    // The end of a block lies in one piece on its last page.
    spoil(file, readFileSync(file).indexOf(bytes.subarray(-64)) + 20);
  };

  it("is left out and told when a query meets it, and takes nothing else along", async () => {
    const { data } = spoiltCopy();
    flip(data);
    const lines: string[] = [];
    const log = openLog("test", { write: (line) => void lines.push(line) });
    await using record = await openRecord({ path: join(data, "record.sqlite"), log });
    const span = { from: instant(DAY), to: instant(DAY + 24 * HOUR_MS) };
    const times = record.readings.between(streamOf("meter-1"), span).map(({ time }) => `meter-1 ${time}`);
    expect(times).toHaveLength((HOURS - 1) * 900 + 1);
    expect(recordHealth(record, data).damagedBlocks).toBe(1);
    expect(lines.join("")).toContain("a packed block of readings is damaged");
  });

  it("is named by verify and repair with its device, hour and readings; nothing else is missing", async () => {
    const copy = spoiltCopy();
    flip(copy.data);
    await using _ = await villageIn(copy);
    const told = { device: "meter-1", first: toIso(instant(HOUR)), readings: 900 };
    const verified = await command(copy.folder, "verify", "--json");
    expect(JSON.parse(verified.stdout)).toMatchObject({
      ok: false,
      damagedBlocks: [told],
      damagedFrames: [],
      file: [],
    });
    const repaired = await command(copy.folder, "repair", "--yes", "--json");
    expect(JSON.parse(repaired.stdout)).toMatchObject({ blocks: [told], frames: [], tables: [] });
    expect([...missingIn(copy.data).keys()]).toEqual(hourKeys("meter-1", HOUR));
    expect(await command(copy.folder, "verify")).toMatchObject({ code: 0 });
  });
});

describe("what takes nothing along", () => {
  it("is the first page of a segment: the frames behind it tell their numbers", async () => {
    const copy = spoiltCopy();
    await using _ = await villageIn(copy);
    spoil(framesOf(copy.data)[0]?.path ?? "", 0, 4_096);
    expect(await command(copy.folder, "verify")).toMatchObject({ code: 0 });
    expect(missingIn(copy.data).size).toBe(0);
  });
});

it("a file without its first page is refused: everybody is told that only a backup helps", async () => {
  const copy = spoiltCopy();
  spoil(join(copy.data, "record.sqlite"), 0, 4_096);
  await using village = await villageIn(copy);
  const running = village.start("whole");
  await expect(running.ready).rejects.toThrow(DAMAGED);
  expect(await command(copy.folder, "verify")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("fieldwatt record repair") as string,
  });
  expect(await command(copy.folder, "repair", "--yes")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /Nothing of .* can be read .*only a backup helps. fieldwatt record restore/,
    ) as string,
  });
}, 60_000);
