import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addMs, deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import { openLog } from "../../platform/log.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { exportChunks } from "../export/lines.ts";
import { openRecord } from "../record/open.ts";
import { verifyRecord } from "../record/repair/verify.ts";
import { auditEgress } from "../release/audit.ts";
import { logSigner } from "../release/egress-log.ts";
import { forgetAsked, heldAbout, wishes } from "./forgetting.ts";

/** A record on a disk that others use, too. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** What is held about a member at home, and that it goes: expectations by hand from issue 5, section 5. */
const log = openLog("test", { write: () => undefined });
const own = ["house-01-grid", "house-01-roof"];
const stream = (device: string) => streamId(deviceId(device), "activePower");

let folder: string;
let seeded: Seeded;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-forget-"));
  seeded = await openSeeded(folder);
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** An hour of noise of two houses. */
const readings = (from: number, count = 360): Reading[] =>
  Array.from({ length: count }, (_, i) =>
    ["house-01-grid", "house-02-grid"].map((device): Reading => {
      const value = Math.sin(i * 7.13 + device.length) * 1234.567;
      return { stream: stream(device), time: instant(from + i * 10_000), value, quality: "ok" };
    }),
  ).flat();
const options = () => ({ site: seeded.options.site, store: seeded.store, clock: seeded.clock, log });
const order = (member = "house-01") =>
  seeded.store.run("orderForgetting", { member, by: member, now: seeded.clock.now() });
const rows = (sql: string): Record<string, unknown>[] => seeded.store.read.prepare(sql).all();
const count = (sql: string): number => Number(rows(sql)[0]?.["n"]);
const exported = (devices: readonly string[]): string[] =>
  [
    ...exportChunks({
      ...{
        readings: seeded.store.readings,
        streams: devices.flatMap((id) => seeded.store.readings.streamsOf(id)),
      },
      ...{ from: instant(0), to: addMs(NOW, 9e9), format: "csv", timeZone: "UTC", site: "s" },
    }),
  ]
    .join("")
    .trim()
    .split("\n")
    .slice(1);
const filesWith = (bytes: Buffer): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path).includes(bytes);
  });

describe("a member who asks to be forgotten at home", () => {
  it("has readings, quarter hours, summaries, copies of what left and advice deleted, and nobody else", async () => {
    const others = (sql: string) => count(`${sql} LIKE 'house-02%'`);
    const before = [
      others("SELECT count(*) AS n FROM interval WHERE stream"),
      others("SELECT count(*) AS n FROM summary WHERE member"),
    ];
    await seeded.store.append([...readings(NOW - 7_200_000), ...readings(NOW - 3_600_000)]);
    const neighbour = exported(["house-02-grid"]);
    await order();
    expect(await forgetAsked(options())).toBe(1);
    expect(exported(own)).toEqual([]);
    expect(exported(["house-02-grid"])).toEqual(neighbour);
    expect(heldAbout(seeded.store.read, "house-01", own)).toMatchObject({
      ...{ readings: 0, quarterHours: 0, days: 0, summaries: 0, releases: 0, advice: 0 },
    });
    expect([
      others("SELECT count(*) AS n FROM interval WHERE stream"),
      others("SELECT count(*) AS n FROM summary WHERE member"),
    ]).toEqual(before);
    expect(verifyRecord(folder)).toMatchObject({ damagedBlocks: [], damagedFrames: [], file: [] });
  });

  it("has deleted what flows had said to them, and nobody else has", async () => {
    const said = { key: "evening", time: NOW, severity: "info" as const, by: "node-red" };
    const text = "You used exactly 4711 Wh today, Wanjiru";
    await seeded.store.run("keepMemberAlerts", { ...said, text, members: ["house-01"] });
    await seeded.store.run("keepMemberAlerts", { ...said, text: "other", members: ["house-02"] });
    expect(filesWith(Buffer.from(text))).not.toEqual([]);
    expect(heldAbout(seeded.store.read, "house-01", own)).toMatchObject({ alerts: 1 });
    await order();
    await forgetAsked(options());
    expect(rows("SELECT member, text FROM member_alert")).toEqual([{ member: "house-02", text: "other" }]);
    expect(wishes(seeded.store.read, "house-01")[0]?.gone).toMatchObject({ alerts: 1 });
    expect(filesWith(Buffer.from(text))).toEqual([]);
  });

  it("gets a dated record of it, with the numbers of what went", async () => {
    await seeded.store.append(readings(NOW - 3_600_000));
    await order();
    await forgetAsked(options());
    const [wish] = wishes(seeded.store.read, "house-01");
    expect(wish).toMatchObject({ by: "house-01", asked: NOW, deleted: NOW, cleaned: NOW });
    expect(wish?.gone?.readings).toBeGreaterThanOrEqual(360);
    expect(await forgetAsked(options())).toBe(0);
  });

  it("keeps settled trades, the yeses as they were, and a log that can still be audited", async () => {
    const { identity, site } = seeded.options;
    const audit = () =>
      auditEgress({ db: seeded.store.read, log: logSigner(site.id, identity.keys) }).findings;
    // The made-up receipts are for other bytes: found before, and found again.
    const found = audit();
    const before = heldAbout(seeded.store.read, "house-01", own);
    expect(before.trades).toBeGreaterThan(0);
    await order();
    await forgetAsked(options());
    const { trades, leaves, consents } = heldAbout(seeded.store.read, "house-01", own);
    expect({ trades, leaves, consents }).toEqual({
      ...{ trades: before.trades, leaves: before.leaves, consents: before.consents },
    });
    expect(count("SELECT count(*) AS n FROM consent WHERE member = 'house-01' AND withdrawn IS NULL")).toBe(
      0,
    );
    expect(
      count("SELECT count(*) AS n FROM outbox JOIN release USING (sequence) WHERE member = 'house-01'"),
    ).toBe(0);
    expect(audit()).toEqual(found);
  });

  it("is gone from the bytes of every file, the journal's earlier rounds and the log of changes included", async () => {
    await seeded.store.append(readings(NOW - 7_200_000));
    await seeded.store.pack();
    await seeded.store.append(readings(NOW - 3_600_000));
    const sql = "SELECT data FROM block WHERE device = (SELECT id FROM device WHERE name = 'house-01-grid')";
    const pieces = rows(sql).map(({ data }) => Buffer.from(data as Uint8Array).subarray(20, 60));
    // As a journal holds it: eight bytes of each value, little-endian; both houses share a frame.
    const journal = join(folder, "journal", "0001.segment");
    const frame = readFileSync(journal).subarray(4096 * 2, 4096 * 2 + 64);
    for (const bytes of [...pieces, frame]) expect(filesWith(bytes)).not.toEqual([]);
    await order();
    await forgetAsked(options());
    for (const bytes of [...pieces, frame]) expect(filesWith(bytes)).toEqual([]);
    expect(rows("PRAGMA freelist_count")).toEqual([{ freelist_count: 0 }]);
  });

  it("leaves the order of commits whole for whoever passes readings on, and what comes after is kept", async () => {
    await seeded.store.append(readings(NOW - 7_200_000));
    const { feed } = seeded.store;
    await order();
    await forgetAsked(options());
    await seeded.store.append(readings(NOW - 3_600_000, 5));
    const given: Reading[] = [];
    for (let cursor = "0"; ;) {
      const { readings: some, cursor: next } = feed.after(cursor, 100);
      given.push(...some);
      if (next === cursor) break;
      cursor = next;
    }
    const of = (device: string) => given.filter((one) => one.stream === stream(device)).length;
    expect(of("house-02-grid")).toBeGreaterThanOrEqual(365);
    expect(of("house-01-grid")).toBe(5);
  });

  it("is forgotten after a restart, where the power went in between; and what was not packed is there again", async () => {
    await seeded.store.append(readings(NOW - 7_200_000));
    await order();
    await seeded.store.pack();
    await seeded.store.run("forgetMember", { id: 1, member: "house-01", devices: own, now: NOW });
    await seeded.store.append(readings(NOW - 3_600_000, 7));
    await seeded.store[Symbol.asyncDispose]();
    {
      await using store = await openRecord({ path: join(folder, "record.sqlite") });
      expect(await forgetAsked({ ...options(), store })).toBe(1);
      await store.append(readings(NOW - 1_800_000, 3));
    }
    await using again = await openRecord({ path: join(folder, "record.sqlite") });
    const power = again.readings.between(stream("house-01-grid"), { from: instant(0), to: addMs(NOW, 1) });
    expect(power).toHaveLength(10);
    expect(again.stats().damagedFrames).toEqual([]);
    expect(verifyRecord(folder)).toMatchObject({ damagedBlocks: [], damagedFrames: [], file: [] });
  });
});
