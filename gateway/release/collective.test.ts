import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addMs,
  instant,
  memberId,
  type EnergyIntervalSummary,
  type MemberId,
  type OfferId,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { verifyEgressProof } from "../../protocol/egress-proof.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { outboxItem } from "../../protocol/messages.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { createCollective, type Collective } from "./collective.ts";
import { givingOf } from "./consents.ts";
import { logSigner } from "./egress-log.ts";
import { proofOf } from "./proof.ts";
import { dueNow } from "./sending.ts";

/**
 * Eight homes, of which at least three must be together, so that there is one block of eight. Home i uses 10 × i Wh a
 * quarter hour; a day's sum of homes 1 to 8 is 96 × 10 × 36 = 34,560 Wh. Expected figures by hand.
 */
const DAY = 86_400_000;
/** Monday 2026-06-15, UTC. */
const MONDAY = instant(Date.UTC(2026, 5, 15));
const HUB = { id: "hub", publicKey: "k".repeat(43) };
const OFFER = "daily-sum" as OfferId;
const members = Array.from({ length: 8 }, (_, i) => memberId(`home-${i + 1}`));
const [keys, secret] = [generateKeyPair(), randomBytes(32)];
const signer = logSigner("v", keys);

const written = (offer: object = {}): object => ({
  ...{ version: 1, previous: null, effective: "2026-01-01T00:00Z", sunset: "2026-12-31T00:00Z" },
  epsilonCaps: { eachPurposeAndRecipient: "2", inAll: "2" },
  offers: [
    {
      ...{ id: OFFER, lane: "collective", title: "Daily sum", kind: "energyInterval", unit: "Wh" },
      ...{ purpose: "dpv:ServiceProvision", recipient: HUB.id, recipientKey: HUB.publicKey },
      ...{ retentionDays: 30, granularity: "day", expires: "2026-12-31T00:00Z" },
      window: { from: "2026-01-01T00:00Z", to: "2026-12-31T00:00Z" },
      ...{ group: { leastMembers: 3, largestSharePercent: 50 }, recipientKnowsTotal: false },
      ...{ clamp: 100_000, round: 1, ...offer },
    },
  ],
});

let folder: string;
let store: RecordStore;
let clock: ManualClock;
let policy: VotedPolicy;
let collective: Collective;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-collective-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(MONDAY);
  open();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(offer: object = {}): void {
  policy = votedPolicy.parse(written(offer));
  collective = createCollective({
    ...{ store, clock, secret, signer, hub: HUB, members, policy: () => ({ policy }) },
    entropy: (count) => randomBytes(count),
  });
}

const agree = async (who: readonly MemberId[]): Promise<void> => {
  const [offer] = policy.offers;
  if (!offer) throw new Error("no offer");
  const [given, expires] = [clock.now(), addMs(clock.now(), 100 * DAY)];
  for (const member of who)
    await store.run("giveConsent", givingOf({ member, policy, offer, given, expires }));
};
const withdraw = (member: MemberId | undefined): Promise<number> =>
  store.run("withdrawConsent", { member: member ?? memberId("?"), offer: OFFER, withdrawn: clock.now() });

/** Every home's quarter hours of a day, and the summariser's word that they are all there is. */
async function dayPasses({ missing = [] }: { missing?: readonly MemberId[] } = {}): Promise<void> {
  const from = clock.now();
  const summaries = members
    .filter((member) => !missing.includes(member))
    .flatMap((member) =>
      Array.from({ length: 96 }, (_, i) => summaryOf(member, from + i * 900_000)).map((summary) => ({
        ...{ key: String(summary.start), time: summary.start, summary },
      })),
    );
  await store.run("saveSummaries", { intervals: [], summaries, progress: { energy: from + DAY } });
  await clock.advance(DAY);
  while (await collective.pass()) continue;
}

function summaryOf(member: MemberId, start: number): EnergyIntervalSummary {
  const used = 10 * Number(member.slice("home-".length));
  const balance = {
    ...{ import: used, export: 0, production: 0, consumption: used, charge: 0, discharge: 0 },
    selfConsumption: 0,
  };
  const summary = { kind: "energyInterval", member, start, balance, provenance: "counted" };
  return summary as unknown as EnergyIntervalSummary;
}

const released = () =>
  store.read
    .prepare("SELECT item FROM release ORDER BY sequence")
    .all()
    .map(({ item }) => outboxItem.parse(JSON.parse(String(item))).summary);
const because = () =>
  store.read
    .prepare("SELECT because FROM group_window WHERE start >= ? ORDER BY start")
    .all(MONDAY)
    .map((row) => row.because);
/** The lane has seen the offer: from now on each window is decided at its end. */
const begin = (): Promise<boolean> => collective.pass();

describe("a sum over a group", () => {
  it("leaves once at the end of its window, with everyone inside in its leaf", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    while (await collective.pass()) continue;
    expect(released()).toEqual([
      {
        ...{ kind: "groupStatistic", of: "energyInterval", from: MONDAY, to: MONDAY + DAY },
        ...{ value: 34_560, unit: "Wh", members: 8 },
      },
    ]);
    const leaf = JSON.parse(String(store.read.prepare("SELECT text FROM egress_leaf").get()?.text)) as object;
    expect(leaf).toMatchObject({ offer: OFFER, policy: policy.hash, members: { length: 8 } });
  });

  it("is proven to each member inside, and to nobody else", async () => {
    await begin();
    await agree(members.slice(0, 7));
    await dayPasses();
    const proof = (member: MemberId) => proofOf(store.read, { sequence: 1, member }, { log: signer, secret });
    for (const member of members.slice(0, 7)) {
      const found = proof(member);
      expect(verifyEgressProof(JSON.stringify(found)).member).toBe(member);
    }
    expect(proof(memberId("home-8"))).toBeUndefined();
  });

  it("does not leave of fewer than the offer wants, nor later, when more say yes", async () => {
    await begin();
    await agree(members.slice(0, 2));
    await dayPasses();
    await agree(members);
    while (await collective.pass()) continue;
    expect(released()).toEqual([]);
    expect(because()).toEqual(["groupTooSmall"]);
    await dayPasses();
    expect(released()).toHaveLength(1);
  });

  it("rests until the epoch ends where a member took it back, whoever says yes meanwhile", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    await withdraw(members[0]);
    await dayPasses();
    await agree(members.slice(0, 1));
    await dayPasses();
    expect(because()).toEqual([null, "cohortSuppressed", "cohortSuppressed"]);
    // 1 July: a new epoch, whose cohorts are frozen anew.
    while (clock.now() < Date.UTC(2026, 6, 2)) await dayPasses();
    expect(because().at(-1)).toBeNull();
    expect(released()).toHaveLength(2);
  });

  it("waits for the next epoch with who joins", async () => {
    await begin();
    await agree(members.slice(0, 5));
    await dayPasses();
    await agree(members.slice(5));
    await dayPasses();
    // Homes 1 to 5: 96 × 10 × 15.
    expect(released()).toMatchObject([
      { value: 14_400, members: 5 },
      { value: 14_400, members: 5 },
    ]);
  });

  it("is without those whose figure is unknown when the cohorts are frozen, until the next epoch", async () => {
    await begin();
    await agree(members);
    await dayPasses({ missing: members.slice(0, 1) });
    await dayPasses();
    // Homes 2 to 8: 96 × 10 × 35.
    expect(released()).toMatchObject([
      { value: 33_600, members: 7 },
      { value: 33_600, members: 7 },
    ]);
  });

  it("leaves the cohort out of which somebody's figure is unknown, and late data never restate it", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    const tuesday = clock.now();
    await dayPasses({ missing: members.slice(0, 1) });
    expect(released()).toHaveLength(1);
    const late = Array.from({ length: 96 }, (_, i) => summaryOf(memberId("home-1"), tuesday + i * 900_000));
    const summaries = late.map((summary) => ({ key: String(summary.start), time: summary.start, summary }));
    await store.run("saveSummaries", { intervals: [], summaries, progress: {} });
    while (await collective.pass()) continue;
    expect(released()).toHaveLength(1);
    expect(because()).toEqual([null, "groupTooSmall"]);
  });
});

it("nothing leaves of a window that a record out of a backup may have released before", async () => {
  await begin();
  await agree(members);
  {
    using db = new DatabaseSync(join(folder, "record.sqlite"));
    const sql = "INSERT INTO restoration (restored, settled, first, last) VALUES (0, ?, 1, 5)";
    db.prepare(sql).run(MONDAY + DAY / 2);
  }
  await dayPasses();
  await dayPasses();
  expect(because()).toEqual(["alreadyReleased", null]);
});

describe("a noisy sum", () => {
  const noisy = { noise: { epsilon: "1" }, round: 1 };

  it("goes on without who left, until everyone's budget is spent, also after a restart", async () => {
    open(noisy);
    await begin();
    await agree(members);
    await dayPasses();
    await withdraw(members[7]);
    open(noisy);
    await dayPasses();
    await dayPasses();
    expect(released()).toMatchObject([{ epsilon: "1" }, { epsilon: "1" }]);
    expect(released().some((summary) => "members" in summary)).toBe(false);
    // Both caps are 2: the third of these would cost more than anybody has.
    expect(because()).toEqual([null, null, "groupTooSmall"]);
  });

  it("has spent its epsilon even where it was dropped before it left", async () => {
    open(noisy);
    await begin();
    await agree(members);
    await dayPasses();
    await withdraw(members[0]);
    expect(store.read.prepare("SELECT count(*) AS n FROM outbox").get()).toEqual({ n: 0 });
    await dayPasses();
    await dayPasses();
    expect(released()).toHaveLength(2);
  });
});

describe("at the moment of sending", () => {
  const due = () => dueNow(store.read, { policy: () => ({ policy }), clock, hub: HUB, limit: 10 });

  it("a sum leaves as it was released while everyone inside still stands", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    expect(due().items).toHaveLength(1);
  });

  it("is dropped where one of them took it back, and never made again without them", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    await withdraw(members[3]);
    while (await collective.pass()) continue;
    expect(due().items).toEqual([]);
    expect(store.read.prepare("SELECT because FROM dropped").all()).toEqual([
      { because: "consentWithdrawn" },
    ]);
    expect(released()).toHaveLength(1);
  });

  it("is dropped where one of their yeses ran out", async () => {
    await begin();
    await agree(members);
    await dayPasses();
    await clock.advance(100 * DAY);
    expect(due()).toMatchObject({ items: [], dropped: [{ sequence: 1, because: "consentExpired" }] });
  });
});
