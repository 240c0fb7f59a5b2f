import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FieldwattError, instant } from "../../domain/model/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import { openLog } from "../../platform/log.ts";
import { deliveries, REFUSALS_MAX } from "./deliveries.ts";
import { ENTRIES_MAX, ENTRIES_PER_DEVICE_MAX, openQuarantine, type Quarantine } from "./quarantine.ts";

const log = openLog("test", { write: () => undefined });
let folder: string;
let quarantine: Quarantine;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  quarantine = await openQuarantine({ folder, now: () => instant(1_000), log });
});
afterEach(() => rm(folder, { recursive: true }));

const message = (payload: string, user = "meter", topic = `${user}/power`): BrokerMessage => ({
  user,
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
});

const healthy = { readingsCommitted: 0, commits: 0, readingsWaiting: 0, callsHeld: 0 };
const refuses = (error: Error) => (): Promise<void> => Promise.reject(error);
const recordFault = new FieldwattError("RECORD_FAILED", "A reading of meter/voltage cannot be kept");

describe("a message that the decoder cannot bear", () => {
  it("is kept in the file, with device, topic, time and reason, and acknowledged at once", async () => {
    const deliver = deliveries({
      take: refuses(new TypeError("pattern is not iterable")),
      quarantine,
      store: { stats: () => healthy },
    });
    await deliver(message("poison"));
    expect(JSON.parse(await readFile(join(folder, "quarantine.json"), "utf8"))).toEqual([
      {
        device: "meter",
        topic: "meter/power",
        reason: "pattern is not iterable",
        time: 1_000,
        times: 1,
        bytes: 6,
        // base64 of "poison", by coreutils
        payload: "cG9pc29u",
      },
    ]);
  });
});

describe("a message that the record refuses", () => {
  it("comes again twice and then goes to quarantine, when the record takes others", async () => {
    const deliver = deliveries({ take: refuses(recordFault), quarantine, store: { stats: () => healthy } });
    for (let i = 1; i < REFUSALS_MAX; i++)
      await expect(deliver(message("nan"))).rejects.toMatchObject({ code: "RECORD_FAILED" });
    await expect(deliver(message("another"))).rejects.toMatchObject({ code: "RECORD_FAILED" });
    await deliver(message("nan"));
    expect(quarantine.list()).toMatchObject([{ reason: recordFault.message, times: 1 }]);
  });

  it.each([
    ["the disk is full", { ...healthy, failing: "database or disk is full" }, recordFault],
    ["too much waits", { ...healthy, callsHeld: 1 }, recordFault],
    ["the gateway ends", healthy, new FieldwattError("RECORD_CLOSED", "The record is closed.")],
  ])("is never put in quarantine while %s", async (_, stats, error) => {
    const deliver = deliveries({ take: refuses(error), quarantine, store: { stats: () => stats } });
    for (let i = 0; i < 10; i++)
      await expect(deliver(message("1"))).rejects.toMatchObject({ code: error.code });
    expect(quarantine.list()).toEqual([]);
  });

  it("is not acknowledged when it cannot be put in quarantine either", async () => {
    const nowhere = await openQuarantine({ folder: join(folder, "missing"), now: () => instant(0), log });
    const deliver = deliveries({
      take: refuses(new TypeError("no")),
      quarantine: nowhere,
      store: { stats: () => healthy },
    });
    await expect(deliver(message("1"))).rejects.toThrow(/ENOENT/);
  });
});

describe("the quarantine", () => {
  it("counts the same fault of one device on one topic once, with its last message", async () => {
    await Promise.all([quarantine.put(message("a"), "no"), quarantine.put(message("bc"), "no")]);
    expect(quarantine.list()).toMatchObject([{ times: 2, bytes: 2 }]);
  });

  it("is bounded for each device and for all, and keeps the newest", async () => {
    for (let i = 0; i <= ENTRIES_PER_DEVICE_MAX; i++) await quarantine.put(message("x"), `reason ${i}`);
    expect(quarantine.list()).toHaveLength(ENTRIES_PER_DEVICE_MAX);
    expect(quarantine.list()[0]?.reason).toBe("reason 1");
    await Promise.all(
      Array.from({ length: ENTRIES_MAX + 5 }, (_, i) => quarantine.put(message("x", `meter-${i}`), "no")),
    );
    expect(quarantine.list()).toHaveLength(ENTRIES_MAX);
    expect(quarantine.list().at(-1)?.device).toBe(`meter-${ENTRIES_MAX + 4}`);
  });

  it("is there after a restart", async () => {
    await quarantine.put(message("a"), "no");
    const again = await openQuarantine({ folder, now: () => instant(2_000), log });
    expect(again.list()).toEqual(quarantine.list());
  });
});
