import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { LAST_BACKUP_FILE, recordHealth } from "./health.ts";
import type { Answer } from "./messages.ts";
import { openRecord } from "./open.ts";
import { WriteQueue } from "./queue.ts";

const reading = { stream: streamId(deviceId("meter"), "activePower"), value: 1, quality: "ok" as const };
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "fieldwatt-health-"))));
afterEach(() => rmSync(folder, { recursive: true }));

it("tells what the record holds, how much room there is, and when it was backed up", async () => {
  await using record = await openRecord({ path: join(folder, "record.sqlite"), now: () => instant(5_000) });
  await record.append([{ ...reading, time: instant(1) }]);
  const health = recordHealth(record, folder);
  expect(health).toMatchObject({
    lastCommit: 5_000,
    readingsHot: 1,
    blocks: 0,
    damagedBlocks: 0,
    damagedFrames: 0,
  });
  expect(health.diskFree).toBeGreaterThan(0);
  expect(health).not.toHaveProperty("lastBackup");
  expect(health).not.toHaveProperty("fault");
  writeFileSync(join(folder, LAST_BACKUP_FILE), JSON.stringify({ made: 7, file: "/media/stick/a.backup" }));
  expect(recordHealth(record, folder).lastBackup).toEqual({ made: 7, file: "/media/stick/a.backup" });
  writeFileSync(join(folder, LAST_BACKUP_FILE), "torn");
  expect(recordHealth(record, folder)).not.toHaveProperty("lastBackup");
});

it("says once that commits fail, again for another fault, and once that they go well", async () => {
  const failed = (fault: "disk full" | "read-only"): Answer => ({
    ...{ kind: "failed", code: "RECORD_FAILED", message: `no: ${fault}`, fault },
  });
  const answers: Answer[] = [
    failed("disk full"),
    failed("disk full"),
    failed("read-only"),
    { kind: "done", value: 1 },
    { kind: "done", value: 2 },
  ];
  const heard: (string | undefined)[] = [];
  const queue = new WriteQueue({
    perform: () => Promise.resolve(answers.shift() ?? failed("disk full")),
    commitInterval: 0,
    onKept: () => 0,
    refusal: () => undefined,
    onFault: (failure) => heard.push(failure?.failing),
  });
  for (let i = 0; i < 5; i++)
    await queue.run({ kind: "command", name: "x", input: i }).catch(() => undefined);
  expect(heard).toEqual(["no: disk full", "no: read-only", undefined]);
});

it("goes on to say that summaries and packing fail while readings are kept", async () => {
  const full: Answer = { kind: "failed", code: "RECORD_FAILED", message: "no", fault: "disk full" };
  let task: Answer = full;
  const queue = new WriteQueue({
    perform: ({ kind }) => Promise.resolve(kind === "append" ? { kind: "done", value: 0 } : task),
    commitInterval: 0,
    onKept: () => 0,
    refusal: () => undefined,
  });
  const command = { kind: "command", name: "x", input: 0 } as const;
  await queue.run(command).catch(() => undefined);
  await queue.append([{ ...reading, time: instant(1) }]);
  expect(queue.stats()).toMatchObject({ fault: "disk full", commits: 1 });
  task = { kind: "done", value: 0 };
  await queue.run(command);
  expect(queue.stats()).not.toHaveProperty("fault");
});
