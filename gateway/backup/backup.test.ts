import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { makeBackup } from "./backup.ts";
import { checkBackup, restoreBackup } from "./restore.ts";
import { CHUNK_BYTES } from "./seal.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-backup-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const passphrase = "the mango tree behind the mill";
const now = instant(Date.UTC(2026, 5, 15));
/** 16 bytes that differ from call to call. */
const entropyFrom = (seed: string) => (bytes: number) =>
  createHash("sha256").update(seed).digest().subarray(0, bytes);

function site(folder: string) {
  const data = join(folder, "data");
  mkdirSync(join(data, "journal"), { recursive: true });
  // Noise, so that the backup has several chunks.
  const noise = Buffer.alloc(2.5 * CHUNK_BYTES, createHash("sha512").update("noise").digest());
  writeFileSync(join(data, "journal", "0001"), noise);
  writeFileSync(join(data, "identity.json"), '{"secret":"of the gateway"}');
  mkdirSync(join(data, "csv"));
  writeFileSync(join(data, "csv", "2026-06-15.csv"), "what export makes again");
  writeFileSync(join(data, "record.sqlite-shm"), "belongs to a running gateway");
  writeFileSync(join(folder, "site.yaml"), "id: kilimani\n");
  writeFileSync(join(folder, "policy.yaml"), "version: 1\n");
  const db = new DatabaseSync(join(data, "record.sqlite"));
  db.exec(`PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (42);
    CREATE TABLE progress (name TEXT PRIMARY KEY, value INTEGER);
    CREATE TABLE consent (member TEXT, withdrawn INTEGER);
    INSERT INTO consent VALUES ('house-01', NULL), ('house-02', 5)`);
  const sources = {
    id: "kilimani",
    data,
    file: join(folder, "site.yaml"),
    beside: [join(folder, "policy.yaml")],
    leftOut: ["csv"],
  };
  return { data, db, sources };
}

const silent = { onProgress: () => undefined };
const entropy = entropyFrom("salt");

describe("a backup", () => {
  it("brings everything back that a running gateway had committed", async () => {
    const folder = temporaryFolder();
    const { db, sources, data } = site(folder);
    const target = join(folder, "stick", "kilimani.backup");
    await makeBackup({ sources, target, passphrase, entropy, now, ...silent });
    db.close();
    const into = join(folder, "restored");
    const { manifest, consentsEnded } = await restoreBackup({
      file: target,
      into,
      passphrase,
      ...silent,
      now,
    });
    expect(manifest.made).toBe("2026-06-15T00:00:00.000Z");
    using restored = new DatabaseSync(join(into, "data", "record.sqlite"), { readOnly: true });
    expect(restored.prepare("SELECT n FROM t").get()).toEqual({ n: 42 });
    // One may have been taken back since, and the hub may hold more than the backup knows.
    expect(consentsEnded).toBe(1);
    expect(restored.prepare("SELECT withdrawn FROM consent").all()).toEqual([
      { withdrawn: now },
      { withdrawn: 5 },
    ]);
    expect(restored.prepare("SELECT * FROM progress").all()).toEqual([{ name: "restored", value: now }]);
    for (const path of ["journal/0001", "identity.json"])
      expect(readFileSync(join(into, "data", path)).equals(readFileSync(join(data, path)))).toBe(true);
    expect(readFileSync(join(into, "site", "policy.yaml"), "utf8")).toBe("version: 1\n");
    for (const path of ["record.sqlite-shm", "csv"]) expect(existsSync(join(into, "data", path))).toBe(false);
  });

  it("shows nothing of what is inside to one who has no passphrase", async () => {
    const folder = temporaryFolder();
    const { sources } = site(folder);
    const target = join(folder, "a.backup");
    await makeBackup({ sources, target, passphrase, entropy, now, ...silent });
    const bytes = readFileSync(target);
    for (const secret of ["of the gateway", "identity.json", "kilimani", "SQLite format"])
      expect(bytes.includes(secret)).toBe(false);
    const wrong = { file: target, into: join(folder, "r"), passphrase: "another passphrase", ...silent, now };
    await expect(restoreBackup(wrong)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(existsSync(join(folder, "r"))).toBe(false);
  });

  it("goes on where a stick was pulled out", async () => {
    const folder = temporaryFolder();
    const { sources } = site(folder);
    const target = join(folder, "a.backup");
    const pulled = new AbortController();
    const first = makeBackup({
      ...{ sources, target, passphrase, entropy, now, signal: pulled.signal },
      onProgress: () => pulled.abort(),
    });
    await expect(first).rejects.toThrow();
    expect(existsSync(target)).toBe(false);
    // The second chunk was half written.
    writeFileSync(`${target}.partial`, Buffer.alloc(5_000, 7), { flag: "a" });
    const again = await makeBackup({
      ...{ sources, target, passphrase, entropy: entropyFrom("other"), now, ...silent },
    });
    expect(again.resumedFrom).toBe(CHUNK_BYTES);
    await expect(checkBackup({ file: target, passphrase, ...silent })).resolves.toMatchObject({
      version: 1,
    });
  });

  it("makes its copy where it is told to, and leaves nothing of it there", async () => {
    const folder = temporaryFolder();
    const { sources, data } = site(folder);
    const work = join(folder, "work");
    const target = join(folder, "a.backup");
    await makeBackup({ sources, target, passphrase, entropy, now, work, ...silent });
    await expect(checkBackup({ file: target, passphrase, ...silent })).resolves.toMatchObject({ version: 1 });
    expect(readdirSync(work)).toEqual([]);
    expect(existsSync(join(data, ".backup"))).toBe(false);
  });

  it("refuses a short passphrase, and never writes over a file", async () => {
    const folder = temporaryFolder();
    const { sources } = site(folder);
    const target = join(folder, "a.backup");
    const options = { sources, target, passphrase, entropy, now, ...silent };
    await expect(makeBackup({ ...options, passphrase: "short" })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    writeFileSync(target, "somebody's photographs");
    await expect(makeBackup(options)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(readFileSync(target, "utf8")).toBe("somebody's photographs");
  });
});

it("keeps the consents where it is told that none was taken back", async () => {
  const folder = temporaryFolder();
  const { sources } = site(folder);
  const target = join(folder, "a.backup");
  await makeBackup({ sources, target, passphrase, entropy, now, ...silent });
  const into = join(folder, "r");
  const how = { keepConsents: true, now, ...silent };
  expect(await restoreBackup({ file: target, into, passphrase, ...how })).toMatchObject({ consentsEnded: 0 });
});

describe("a damaged backup", () => {
  const damages: readonly [string, (file: string, size: number) => void][] = [
    ["a flipped bit in the first chunk", (file) => flip(file, 2_000)],
    ["a flipped bit in the last chunk", (file, size) => flip(file, size - 100)],
    ["a lost end", (file, size) => truncateSync(file, size - 1)],
    ["a lost last chunk", (file) => truncateSync(file, 2 * (CHUNK_BYTES + 16) + firstLine(file))],
    ["bytes behind the end", (file) => writeFileSync(file, "more", { flag: "a" })],
    ["a header that asks for less work", (file) => replaceFirst(file, '"N":65536', '"N":16384')],
  ];
  it.each(damages)("is refused: %s", async (_what, damage) => {
    const folder = temporaryFolder();
    const { sources } = site(folder);
    const file = join(folder, "a.backup");
    await makeBackup({ sources, target: file, passphrase, entropy, now, ...silent });
    damage(file, statSync(file).size);
    const into = join(folder, "r");
    await expect(restoreBackup({ file, into, passphrase, ...silent, now })).rejects.toMatchObject({
      code: "BACKUP_DAMAGED",
    });
    expect(existsSync(into)).toBe(false);
  });

  it("goes on behind the files that are whole when a better copy is given", async () => {
    const folder = temporaryFolder();
    const { sources } = site(folder);
    const file = join(folder, "a.backup");
    await makeBackup({ sources, target: file, passphrase, entropy, now, ...silent });
    const copy = join(folder, "copy.backup");
    cpSync(file, copy);
    flip(copy, statSync(copy).size - 100);
    const into = join(folder, "r");
    await expect(restoreBackup({ file: copy, into, passphrase, ...silent, now })).rejects.toThrow();
    const whole = join(`${into}.restoring`, "data", "identity.json");
    const before = statSync(whole).mtimeMs;
    await restoreBackup({ file, into, passphrase, ...silent, now });
    expect(statSync(join(into, "data", "identity.json")).mtimeMs).toBe(before);
  });

  it("tells a file that is no backup", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "photo.jpg");
    writeFileSync(file, "no backup");
    const options = { file, into: join(folder, "r"), passphrase, ...silent, now };
    await expect(restoreBackup(options)).rejects.toMatchObject({ code: "BACKUP_INVALID" });
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
}

const firstLine = (file: string): number => readFileSync(file).indexOf(0x0a) + 1;

function replaceFirst(file: string, from: string, to: string): void {
  const bytes = readFileSync(file);
  bytes.write(to, bytes.indexOf(from));
  writeFileSync(file, bytes);
}
