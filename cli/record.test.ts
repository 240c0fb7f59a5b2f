import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { framesAfter } from "../gateway/record/journal/replay.ts";
import { packedFrame } from "../gateway/record/progress.ts";
import { eventually, openVillage, type Village } from "../test/scenarios/kit.ts";
import { openMeter, type Meter } from "../test/scenarios/meters.ts";

/** The commands as processes of their own, beside a real gateway that takes readings from real MQTT clients. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const main = join(import.meta.dirname, "fieldwatt.mjs");
const record = (...words: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const args = [main, "record", ...words, "--site", join(village.folder, "site.yaml")];
    execFile(process.execPath, args, { maxBuffer: 2 ** 27 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });

let village: Village;
let gateway: Awaited<ReturnType<Village["startGateway"]>>;
let meters: Meter[];
beforeAll(async () => {
  village = await openVillage({ members: 3, speed: 60 });
  gateway = await village.startGateway();
  meters = village.members.map((member) => openMeter(village, member, { everyMs: 5, wattHours: 1 }));
  await acknowledged(50);
}, 60_000);
afterAll(() => village[Symbol.asyncDispose]());

const acknowledged = (more: number): Promise<unknown> => {
  const before = meters.map((meter) => meter.acknowledged.size);
  return eventually("acknowledged readings", () =>
    meters.every((meter, i) => meter.acknowledged.size >= (before[i] ?? 0) + more),
  );
};

describe("beside a gateway that takes readings", () => {
  it("export holds every reading that was acknowledged before, of one member alone, as CSV", async () => {
    const [meter] = meters as [Meter];
    const before = [...meter.acknowledged];
    const { code, stdout, stderr } = await record("export", "--member", "household-01");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toBe("time UTC,time Africa/Nairobi,device,quantity,channel,value,unit,quality,sequence");
    expect(rows.every((row) => row.split(",")[2] === "household-01-meter")).toBe(true);
    const times = rows.map((row) => Date.parse(row.split(",", 1)[0] ?? ""));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const registers = rows.map((row) => row.split(",")).filter(([, , , q]) => q === "activeEnergyImport");
    const values = new Set(registers.map(([, , , , , value]) => Number(value)));
    expect(before.filter((register) => !values.has(register))).toEqual([]);
    expect(new Set(registers.map(([, , , , , , unit]) => unit))).toEqual(new Set(["Wh"]));
  });

  it("export writes one stream as JSON lines into a new file, and never over one that is there", async () => {
    const out = join(village.folder, "june.jsonl");
    const stream = "household-02-meter/activeEnergyImport";
    const words = ["export", "--stream", stream, "--format", "jsonl", "--from", "2026-06-15", "--out", out];
    expect(await record(...words)).toMatchObject({ code: 0, stdout: "" });
    const [head, ...rows] = readFileSync(out, "utf8").trimEnd().split("\n");
    expect(JSON.parse(head ?? "")).toMatchObject({
      timeZone: "Africa/Nairobi",
      streams: [{ stream, unit: "Wh" }],
    });
    expect(rows.length).toBeGreaterThanOrEqual(50);
    expect(rows.every((row) => JSON.parse(row).stream === stream)).toBe(true);
    expect(await record(...words)).toMatchObject({ code: 1, stderr: expect.stringContaining("EEXIST") });
  });

  it.each([
    ["a member that is none", ["--member", "nobody"], 'no member "nobody"'],
    ["a stream that is none", ["--stream", "x/y"], 'no stream "x/y". It has: household-01-meter/'],
    ["a time that is none", ["--from", "yesterday"], "neither a day"],
    [
      "a range that ends before it begins",
      ["--from", "2026-06-15", "--to", "2026-06-14"],
      "does not lie behind",
    ],
  ])("export refuses %s", async (_, words, says) => {
    expect(await record("export", ...words)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(says),
    });
  });

  it("verify finds everything in order, again and again while the gateway writes", async () => {
    for (let i = 0; i < 3; i++) {
      const { code, stdout } = await record("verify", "--json");
      const found = JSON.parse(stdout);
      expect({ code, ...found }).toMatchObject({
        code: 0,
        ok: true,
        damagedBlocks: [],
        damagedFrames: [],
        file: [],
      });
      expect(found.readings).toBeGreaterThanOrEqual(3 * 50);
    }
    expect((await record("verify")).stdout).toContain("Everything is in order.");
  });

  it("repair refuses while the gateway runs", async () => {
    expect(await record("repair", "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Another gateway has the record"),
    });
  });
});

describe("on a damaged record", () => {
  const data = (): string => join(village.folder, "gateway");
  let lost: number;
  beforeAll(async () => {
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await gateway[Symbol.asyncDispose]();
    using db = village.record();
    lost = flipAFrame(join(data(), "journal"), packedFrame(db));
  }, 30_000);

  it("verify names the lost commit and when it was, and says what to do", async () => {
    const { code, stdout } = await record("verify");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`Commit ${lost} of the journal cannot be read: they came between 2026-06-15T`),
    );
    expect(stdout).toContain("fieldwatt record repair --site");
  });

  it("repair asks first, and without an answer changes nothing", async () => {
    const { code, stdout, stderr } = await record("repair");
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("Add --yes") });
    expect(stdout).toContain(`Commit ${lost} of the journal`);
    expect(await record("verify")).toMatchObject({ code: 1 });
  });

  it("repair lists what was lost and keeps it aside; the rest is in order, and a gateway starts with it", async () => {
    const before = JSON.parse((await record("verify", "--json")).stdout);
    const { code, stdout } = await record("repair", "--yes", "--json");
    expect(code).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ blocks: [], tables: [], frames: [{ from: lost, to: lost }] });
    expect(told.kept.every((place: string) => existsSync(place))).toBe(true);
    expect(readdirSync(data()).filter((name) => name.startsWith("repaired-"))).toHaveLength(1);
    const after = JSON.parse((await record("verify", "--json")).stdout);
    expect(after).toMatchObject({ ok: true, readings: before.readings });
    expect((await record("repair")).stdout).toContain("nothing to repair");
    await using _again = await village.startGateway();
  });

  it("repair takes a damaged block out and names its device, hours and readings", async () => {
    using db = new DatabaseSync(join(data(), "record.sqlite"));
    const [block] = db.prepare("SELECT id, readings FROM block ORDER BY id").all();
    db.prepare("UPDATE block SET data = zeroblob(length(data)) WHERE id = ?").run(Number(block?.["id"]));
    db.close();
    const exported = await record("export");
    expect(exported).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("1 damaged blocks were left out"),
    });
    const { stdout } = await record("repair", "--yes");
    expect(stdout).toContain(`Repaired. Lost: ${String(block?.["readings"])} readings in 1 blocks.`);
    expect(stdout).toMatch(/Block \d+, household-0\d-meter, 2026-06-15T.* readings of household-0\d-meter\//);
    expect(await record("verify")).toMatchObject({ code: 0 });
  });
});

/** Turns a bit over in a commit in the middle of what is not packed. @returns its number */
function flipAFrame(journal: string, packed: number): number {
  const frames = [...framesAfter(journal, packed)];
  const frame = frames[Math.floor(frames.length / 2)];
  if (!frame) throw new Error("the journal is empty");
  const bytes = readFileSync(frame.path);
  bytes.writeUInt8(bytes.readUInt8(frame.at + 40) ^ 1, frame.at + 40);
  writeFileSync(frame.path, bytes);
  return frame.number;
}
