import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { migrations } from "./migrations.ts";
import { openRecord } from "./open.ts";
import { openRecordReader } from "./reader.ts";

const writer = new URL("./fixtures/busy-writer.ts", import.meta.url).pathname;
const power = streamId(deviceId("meter"), "activePower");
const always = { from: instant(0), to: instant(9e12) };

let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "fieldwatt-reader-"))));
afterEach(async () => {
  if (child) {
    const ended = new Promise((resolve) => child?.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    child = undefined;
  }
  rmSync(folder, { recursive: true });
});

it("sees all that was acknowledged, each reading once, beside a gateway that writes and packs", async () => {
  const acknowledged = new Set<number>();
  const started = spawn(process.execPath, [writer, join(folder, "record.sqlite")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  createInterface({ input: started.stdout }).on("line", (line) => acknowledged.add(Number(line)));
  let rounds = 0;
  let packed = 0;
  for (let seen = 0; rounds < 40 || packed < 3; rounds++) {
    while (acknowledged.size < seen + 30) await new Promise((resolve) => setTimeout(resolve, 5));
    seen = acknowledged.size;
    const before = [...acknowledged];
    using reader = openRecordReader(folder);
    const values = reader.readings.between(power, always).map(({ value }) => value);
    const found = new Set(values);
    expect(found.size).toBe(values.length);
    expect(before.filter((number) => !found.has(number))).toEqual([]);
    packed = Number(reader.read.prepare("SELECT count(*) AS blocks FROM block").get()?.["blocks"]);
  }
  expect(packed).toBeGreaterThanOrEqual(3);
}, 60_000);

it.each([
  ["where there is none", () => undefined, "RECORD_FAILED"],
  [
    "of something else",
    () => writeFileSync(join(folder, "record.sqlite"), "not a record, but long enough to be one"),
    "RECORD_FAILED",
  ],
  ["of a newer program", () => setVersion(migrations.length + 1), "RECORD_NEWER"],
  ["that no gateway of this program has opened yet", () => setVersion(1), "RECORD_FAILED"],
])("refuses a record %s", (_, prepare, code) => {
  prepare();
  expect(() => openRecordReader(folder)).toThrow(expect.objectContaining({ code }));
});

function setVersion(version: number): void {
  const db = new DatabaseSync(join(folder, "record.sqlite"));
  db.exec(`PRAGMA user_version = ${version}`);
  db.close();
}

it("stays at the moment when it was opened", async () => {
  await using record = await openRecord({ path: join(folder, "record.sqlite") });
  await record.append([{ stream: power, time: instant(1), value: 1, quality: "ok" }]);
  using reader = openRecordReader(folder);
  await record.append([{ stream: power, time: instant(2), value: 2, quality: "ok" }]);
  expect(reader.readings.between(power, always).map(({ value }) => value)).toEqual([1]);
});
