import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addMs,
  deviceId,
  instant,
  memberId,
  streamId,
  type OfferId,
  type Reading,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { logSigner } from "../release/egress-log.ts";
import { createGate, type Gate } from "../release/gate.ts";
import type { Site } from "../site/load.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { siteSchema } from "../site/schema.ts";
import { ledgerEvents } from "./ledger.ts";
import { createSummariser, GRACE_MS, type Summariser } from "./summariser.ts";

const START = instant(Date.UTC(2026, 5, 15, 7, 0));
const MINUTE = 60_000;
const OFFER = "trading" as OfferId;

const site: Site = {
  file: "site.yaml",
  ...siteSchema.parse({
    ...{ id: "v", name: "V", timeZone: "Africa/Nairobi", latitude: 0, longitude: 37, elevation: 1600 },
    members: [{ id: "m1", name: "One" }],
    devices: [
      {
        ...{ id: "grid", device: "x", member: "m1", mounting: "grid", ratedPower: 23_000 },
        connection: { kind: "modbus-tcp", host: "h" },
      },
    ],
    portal: { port: 0 },
  }),
};
const HUB = { id: "hub", publicKey: "k".repeat(43) };
const policy = votedFor([{ id: OFFER, recipientKey: HUB.publicKey }]);

let folder: string;
let store: RecordStore;
let clock: ManualClock;
let summariser: Summariser;
let gate: Gate;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-reopen-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(START);
  summariser = createSummariser(site, store, clock);
  const signer = logSigner("v", generateKeyPair());
  gate = createGate({
    ...{ store, clock, secret: new Uint8Array(32), signer, timeZone: site.timeZone, hub: HUB },
    policy: () => ({ policy }),
  });
  await store.run("giveConsent", yesTo(policy, { member: "m1", given: START, expires: addMs(START, 1e10) }));
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const register = (minute: number, value: number): Reading => ({
  stream: streamId(deviceId("grid"), "activeEnergyImport"),
  time: addMs(START, minute * MINUTE),
  value,
  quality: "ok",
});
const keep = async (...list: readonly [minute: number, value: number][]): Promise<void> => {
  const readings = list.map(([minute, value]) => register(minute, value));
  await store.append(readings);
  summariser.observe(readings);
};
/** Lets everything come to rest: passes until nothing is left, a while apart. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) {
    while (await summariser.pass()) continue;
    while (await gate.pass()) continue;
    await clock.advance(90_000);
  }
};
const until = async (minute: number): Promise<void> => {
  await clock.advance(addMs(START, minute * MINUTE) - clock.now());
};
/** Energy, provenance and version of each quarter hour that is known. */
const intervals = () =>
  store.read
    .prepare("SELECT energy, provenance, version FROM interval ORDER BY start")
    .all()
    .map(({ energy, provenance, version }) => [energy, provenance, version]);
const released = () =>
  store.read
    .prepare("SELECT item FROM release ORDER BY sequence")
    .all()
    .map(({ item }) => {
      const { sequence, version, corrects, summary } = JSON.parse(String(item));
      return { sequence, version, corrects, kind: summary.kind, import: summary.import };
    });

/** A meter that is read every five minutes; 10 Wh each time. */
const steady = (from: number, to: number): [number, number][] =>
  Array.from({ length: (to - from) / 5 + 1 }, (_, i) => [from + i * 5, 1000 + (from + i * 5) * 2]);

describe("a silence", () => {
  it("that was closed as unknown is filled when the register speaks again", async () => {
    await keep(...steady(0, 20));
    await until(70);
    await settle();
    expect(intervals()).toEqual([[30, "counted", 1]]);
    await until(75);
    await keep(...steady(75, 95));
    await until(95);
    await settle();
    // The register grew by 180 Wh in 90 minutes.
    expect(intervals().map(([wh]) => wh)).toEqual([30, 30, 30, 30, 30, 30]);
    expect(intervals().map(([, how]) => how)).toEqual(["counted", ...Array(4).fill("filled"), "counted"]);
  });

  it("whose backlog comes later gets its true shape, as a new version, and what left is corrected", async () => {
    await keep(...steady(0, 15), [60, 1160]);
    await until(65);
    await settle();
    // 15 to 60 minutes: 130 Wh by a straight line.
    expect(released().map((one) => one.import)).toEqual([30, 43, 43, 44]);
    await keep([20, 1030], [30, 1030], [40, 1100], [45, 1130], [55, 1160]);
    await settle();
    expect(intervals()).toEqual([
      [30, "counted", 1],
      [0, "counted", 2],
      [100, "counted", 2],
      [30, "counted", 2],
    ]);
    expect(released().slice(4)).toEqual([
      { sequence: 5, version: 2, corrects: 2, kind: "energyInterval", import: 0 },
      { sequence: 6, version: 2, corrects: 3, kind: "energyInterval", import: 100 },
      { sequence: 7, version: 2, corrects: 4, kind: "energyInterval", import: 30 },
    ]);
    const old = store.read.prepare("SELECT energy, provenance FROM interval_version ORDER BY start").all();
    expect(old.map(({ energy, provenance }) => [energy, provenance])).toEqual([
      [43, "filled"],
      [43, "filled"],
      [44, "filled"],
    ]);
  });

  it("whose backlog was kept just before a kill is looked at after the start", async () => {
    await keep(...steady(0, 15), [60, 1160]);
    await until(65);
    await settle();
    const backlog = [
      [20, 1030],
      [40, 1100],
    ] as const;
    // Durable, and acknowledged; nobody heard of it any more.
    await store.append(backlog.map(([minute, value]) => register(minute, value)));
    summariser = createSummariser(site, store, clock);
    await settle();
    expect(intervals().map(([, , version]) => version)).toEqual([1, 2, 2, 2]);
    expect(intervals().reduce((sum, [wh]) => sum + Number(wh), 0)).toBe(160);
  });

  it("whose backlog says the same again changes nothing", async () => {
    await keep(...steady(0, 30));
    await until(35);
    await settle();
    const before = [intervals(), released()];
    await keep(...steady(0, 30));
    await settle();
    expect([intervals(), released()]).toEqual(before);
  });

  it("is not reached into beyond the look-back", async () => {
    await keep(...steady(0, 30));
    await until(35);
    await settle();
    await clock.advance(63 * 86_400_000);
    await keep([7, 1019]);
    await settle();
    expect(intervals().map(([, , version]) => version)).toEqual([1, 1]);
  });
});

describe("an event of the ledger", () => {
  const lived = async (): Promise<number> => {
    await keep([0, 50_000], [5, 50_010], [10, 4], [15, 14], [20, 24], [30, 44]);
    await until(30 + GRACE_MS / MINUTE);
    await settle();
    return ledgerEvents(store.read)[0]?.id ?? 0;
  };
  const say = (event: number, says: "confirm" | "correct" | "undo", resolution?: object) =>
    store.run("sayContinuity", {
      ...{ event, by: "op", now: clock.now(), says },
      ...(resolution && { resolution: resolution as never }),
    });

  it("leaves its quarter hour unknown until somebody settles it", async () => {
    await lived();
    expect(ledgerEvents(store.read)).toMatchObject([
      { kind: "reset", state: "open", proposed: 4, before: { register: 50_010 }, after: { register: 4 } },
    ]);
    expect(intervals()).toEqual([[30, "counted", 1]]);
    expect(released().map((one) => one.import)).toEqual([30]);
  });

  it("confirmed counts from zero since; corrected by the old meter's end counts more; undone is unknown again", async () => {
    const event = await lived();
    await say(event, "confirm", { kind: "asProposed" });
    await settle();
    // 10 Wh before, 4 since the reset, 10 after.
    expect(intervals()).toEqual([
      [24, "filled", 1],
      [30, "counted", 1],
    ]);
    await say(event, "correct", { kind: "registers", oldEnd: 50_017, newStart: 0 });
    await settle();
    expect(intervals()[0]).toEqual([31, "filled", 2]);
    await say(event, "undo");
    await settle();
    expect(intervals()).toEqual([[30, "counted", 1]]);
    expect(released()).toEqual([
      { sequence: 1, version: undefined, corrects: undefined, kind: "energyInterval", import: 30 },
      { sequence: 2, version: undefined, corrects: undefined, kind: "energyInterval", import: 24 },
      { sequence: 3, version: 2, corrects: 2, kind: "energyInterval", import: 31 },
      { sequence: 4, version: 3, corrects: 3, kind: "energyUnknown", import: undefined },
    ]);
    expect(ledgerEvents(store.read)[0]?.entries.map(({ says }) => says)).toEqual([
      "confirm",
      "correct",
      "undo",
    ]);
  });

  it("that cannot be what a person says is refused, and nothing is written", async () => {
    const event = await lived();
    await expect(say(event, "correct", { kind: "registers", oldEnd: 1, newStart: 0 })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    await expect(say(event, "undo")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(ledgerEvents(store.read)[0]?.entries).toEqual([]);
  });

  it("that late data explains is marked so, and its quarter hours are counted", async () => {
    // 9,990 Wh in five minutes are more than 23 kW can count.
    await keep([0, 50_000], [5, 50_010], [10, 60_000], [15, 60_010], [20, 60_020], [30, 60_040]);
    await until(45);
    await settle();
    expect(ledgerEvents(store.read)).toMatchObject([{ kind: "jump", state: "open" }]);
    // A coarse register may take a step of a kWh at once, and the logger had seen every one.
    await keep(...Array.from({ length: 9 }, (_, i): [number, number] => [5.5 + i / 2, 51_009 + i * 999]));
    await settle();
    expect(ledgerEvents(store.read)).toMatchObject([{ kind: "jump", state: "gone" }]);
    expect(intervals()).toEqual([
      [10_010, "counted", 1],
      [30, "counted", 1],
    ]);
  });

  it("of a member who withdrew brings no release", async () => {
    const event = await lived();
    await store.run("withdrawConsent", { member: memberId("m1"), offer: OFFER, withdrawn: clock.now() });
    await say(event, "confirm", { kind: "asProposed" });
    await settle();
    expect(intervals()).toHaveLength(2);
    expect(released()).toHaveLength(1);
  });

  it("is told once after a restart", async () => {
    const event = await lived();
    summariser = createSummariser(site, store, clock);
    await keep([35, 54], [45, 74]);
    await until(60);
    await settle();
    expect(ledgerEvents(store.read).map(({ id }) => id)).toEqual([event]);
    expect(intervals().map(([wh]) => wh)).toEqual([30, 30]);
  });
});
