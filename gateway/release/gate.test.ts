import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addMs,
  instant,
  memberId,
  type ActivePolicy,
  type Day,
  type Summary,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { consentTo, votedFor, yesTo, type OfferWords } from "../../test/support/voted.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { consentsUnder } from "./consents.ts";
import { logSigner } from "./egress-log.ts";
import { createGate, type Gate } from "./gate.ts";

/** The gate of the own account under voted policies: 15 June 2026 in Nairobi, which is three hours ahead of UTC. */
const NOON = instant(Date.UTC(2026, 5, 15, 9));
const DAY_MS = 86_400_000;
const HUB = { id: "hub", publicKey: "k".repeat(43) };
const member = memberId("house-01");
const signer = logSigner("v", generateKeyPair());

let folder: string;
let store: RecordStore;
let clock: ManualClock;
let active: ActivePolicy;
let gate: Gate;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-gate-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(NOON);
  gate = createGate({
    ...{ store, clock, signer, secret: new Uint8Array(32), timeZone: "Africa/Nairobi", hub: HUB },
    policy: () => active,
  });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const policyOf = (version = 1, words: Partial<OfferWords> = {}): VotedPolicy =>
  votedFor([{ id: "trading", recipientKey: HUB.publicKey, ...words }], version);
const farmOf = (words: Partial<OfferWords> = {}): VotedPolicy =>
  policyOf(1, { id: "fields", kind: "farmDay", utcOffsetMinutes: 180, ...words });

const balance = { import: 1, export: 0, production: 0, consumption: 1, charge: 0, discharge: 0 };
const slot = (start: number): Summary =>
  ({
    ...{ kind: "energyInterval", member, start, provenance: "counted" },
    balance: { ...balance, selfConsumption: 0 },
  }) as unknown as Summary;
const farmDay = (day: string): Summary => ({
  ...{ kind: "farmDay", member, day: day as Day, farm: { rainfall: 1, coverage: 1 } },
  ...{ latitude: -1.5, elevation: 1_600, windSensorHeight: 2 },
});

let saved = 0;
const save = (summary: Summary): Promise<void> =>
  store.run("saveSummaries", {
    ...{ intervals: [], progress: {} },
    summaries: [{ key: String(saved++), time: NOON, summary }],
  });
const agree = (policy: VotedPolicy): Promise<void> =>
  store.run("giveConsent", yesTo(policy, { member, given: addMs(NOON, -DAY_MS) }));
const decided = (): unknown[] => {
  const sql = "SELECT decided FROM summary ORDER BY id";
  return store.read
    .prepare(sql)
    .all()
    .map((row) => row.decided);
};
const [RELEASED, DENIED, OPEN] = [1, 2, 0];

describe("a summary of the own account", () => {
  it("leaves under the policy in force, whose hash its leaf names", async () => {
    const policy = policyOf();
    active = { policy };
    await agree(policy);
    await save(slot(NOON - 900_000));
    await gate.pass();
    expect(decided()).toEqual([RELEASED]);
    const leaf = JSON.parse(String(store.read.prepare("SELECT text FROM egress_leaf").get()?.text)) as object;
    expect(leaf).toMatchObject({ policy: policy.hash, offer: "trading", recipient: "hub" });
  });

  it.each<[string, () => ActivePolicy, string]>([
    ["there is none in force", () => ({ because: "policyUncertified" }), "policyUncertified"],
    [
      "it names another key than the hub's",
      () => ({ policy: policyOf(1, { recipientKey: "j".repeat(43) }) }),
      "recipientUnknown",
    ],
    [
      "it is for somebody else",
      () => ({ policy: policyOf(1, { recipient: "company" }) }),
      "recipientUnknown",
    ],
    ["it wants a coarser step", () => ({ policy: policyOf(1, { granularity: "hour" }) }), "windowInvalid"],
  ])("does not leave where %s", async (_what, source, because) => {
    active = source();
    await agree("policy" in active ? active.policy : policyOf());
    await save(slot(NOON - 900_000));
    await gate.pass();
    expect(decided()).toEqual([DENIED]);
    expect([...gate.denials]).toEqual([[because, 1]]);
  });

  it("waits for the end of its window, and then leaves", async () => {
    const policy = policyOf();
    active = { policy };
    await agree(policy);
    await save(slot(NOON));
    expect(await gate.pass()).toBe(false);
    expect(decided()).toEqual([OPEN]);
    await clock.advance(900_000);
    await gate.pass();
    expect(decided()).toEqual([RELEASED]);
  });

  it.each([
    ["the day as the offer counts it has ended", 180, RELEASED],
    ["that day still runs, because the offer counts by UTC", 0, OPEN],
  ])("of a farm's day: %s", async (_what, utcOffsetMinutes, expected) => {
    const policy = farmOf({ utcOffsetMinutes });
    active = { policy };
    await agree(policy);
    await save(farmDay("2026-06-15"));
    // 16 June, 00:05 in Nairobi.
    await clock.advance(12 * 3_600_000 + 5 * 60_000);
    await gate.pass();
    expect(decided()).toEqual([expected]);
  });
});

describe("a consent under a new version", () => {
  it.each<[string, Partial<OfferWords>, number]>([
    ["is asked for again where the offer is looser", { retentionDays: 31 }, DENIED],
    ["still counts where it is stricter", { retentionDays: 29 }, RELEASED],
  ])("%s", async (_what, words, expected) => {
    await agree(policyOf());
    active = { policy: policyOf(2, words) };
    await save(slot(NOON - 900_000));
    await gate.pass();
    expect(decided()).toEqual([expected]);
  });

  it("that is older than the hashes of policies counts under none", async () => {
    const policy = policyOf();
    const { policyHash: _, ...old } = consentTo(policy, { member, given: addMs(NOON, -DAY_MS) });
    await store.run("giveConsent", { ...old, policyHash: "", limits: "{}", policy: "" });
    active = { policy };
    await save(slot(NOON - 900_000));
    await gate.pass();
    expect(decided()).toEqual([DENIED]);
    expect([...gate.denials.keys()]).toEqual(["consentOtherPolicy"]);
  });

  it("is kept with its policy, so that what was agreed can be read for ever", async () => {
    const policy = policyOf();
    await agree(policy);
    const [consent] = consentsUnder(store.read, policyOf(2), member);
    expect(consent).toMatchObject({ policyVersion: 2, policyHash: policyOf(2).hash });
  });
});
