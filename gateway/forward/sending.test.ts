import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  addMs,
  instant,
  memberId,
  type ActivePolicy,
  type Instant,
  type OfferId,
} from "../../domain/model/index.ts";
import { openBroker, type Broker } from "../../platform/broker.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { open, seal } from "../../protocol/envelope.ts";
import { generateKeyPair, publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import { topics, type BatchBody, type ReceiptBody } from "../../protocol/messages.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { openLink, type Link } from "./link.ts";

/** The second decision, at the moment of sending, against a hub of this test's own on a real broker. */
const START = instant(Date.UTC(2026, 5, 15));
const MONTH_MS = 30 * 86_400_000;
const log = openLog("test", { write: () => undefined });
const [gatewayKeys, hubKeys] = [generateKeyPair(), generateKeyPair()];
const offer = "o" as OfferId;
const voted = votedFor([{ id: offer, recipientKey: publicKeyToText(hubKeys.publicKey) }]);
const noPolicy: ActivePolicy = { because: "noPolicy" };

let folder: string;
let store: RecordStore;
let clock: ManualClock;
let policy: ActivePolicy;
let batches: BatchBody[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-sending-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(START);
  [policy, batches] = [{ policy: voted }, []];
  for (const member of ["ann", "ben"]) await agree(member);
  // 1, 3, 5 are of ann, 2, 4, 6 of ben.
  await release(6);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const agree = (member: string, given: Instant = START, expires = addMs(START, MONTH_MS)): Promise<void> =>
  store.run("giveConsent", yesTo(voted, { member, given, expires }));
const withdraw = (member: string): Promise<number> =>
  store.run("withdrawConsent", { member: memberId(member), offer, withdrawn: clock.now() });

async function release(count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const of = (i: number): string => (i % 2 === 1 ? "ann" : "ben");
  const summaries = numbers.map((i) => {
    const summary = { kind: "energyInterval", member: of(i) } as never;
    return { key: String(i), time: i, summary };
  });
  await store.run("saveSummaries", { intervals: [], progress: {}, summaries });
  const energy = { export: 0, production: 0, selfConsumption: 0, provenance: "counted" as const };
  const passed = numbers.map((i) => {
    const subject = (of(i) === "ann" ? "a" : "b").repeat(32);
    const summary = {
      kind: "energyInterval" as const,
      subject,
      start: i * 900_000,
      import: i,
      consumption: i,
    };
    return {
      ...{ summaryId: i, member: of(i), subject, recipient: "hub", released: START },
      item: { offer, purpose: "dpv:ServiceProvision", policyVersion: 1, summary: { ...summary, ...energy } },
      leaf: {
        ...{ version: 1 as const, offer, policy: "", recipient: "hub", members: [] },
        window: { from: i * 900_000, to: (i + 1) * 900_000 },
      },
    };
  });
  await store.run("release", { passed, denied: [], completeThrough: 7 * 900_000 });
}

const link = (port: number): Link =>
  openLink({
    ...{ url: `mqtt://127.0.0.1:${port}`, gateway: "gw", hub: "hub", password: "p", store, clock, log },
    ...{ key: gatewayKeys.privateKey, ownKey: gatewayKeys.publicKey, hubKey: hubKeys.publicKey },
    policy: () => policy,
  });
const numbers = (sql: string): number[] =>
  store.read
    .prepare(sql)
    .all()
    .map((row) => Number(row.sequence));
const waiting = (): number[] => numbers("SELECT sequence FROM outbox ORDER BY sequence");
const dropped = (): unknown[] =>
  store.read.prepare("SELECT sequence, because FROM dropped ORDER BY sequence").all();
const sent = (): number[] => batches.flatMap(({ items }) => items.map(({ sequence }) => sequence));

/** A hub that keeps all batches; without an answer of the test's own it gives the honest receipt. */
function openHub(answer?: (batch: BatchBody) => Partial<ReceiptBody> | undefined): Promise<Broker> {
  const hub: Promise<Broker> = openBroker({
    ...{ host: "127.0.0.1", port: 0, log },
    authenticate: (user) => user,
    mayPublish: () => true,
    maySubscribe: () => true,
    async onMessage({ payload }) {
      const { body } = open(payload, { from: "gw", to: "hub", key: gatewayKeys.publicKey });
      if (body.kind !== "batch") return;
      batches.push(body);
      const own = answer?.(body);
      if (answer && !own) return;
      const received = body.items.map((i) => ({ sequence: i.sequence, digest: sha256Hex(canonicalJson(i)) }));
      const reply = { kind: "receipt" as const, received, gaps: [], ...own };
      const told = body.dropped && { dropped: body.dropped };
      const bytes = seal(
        { ...reply, ...told },
        { from: "hub", to: "gw", sent: clock.now(), key: hubKeys.privateKey },
      );
      const broker = await hub;
      setTimeout(() => void broker.publish(topics.down("gw"), bytes).catch(() => undefined), 5);
    },
  });
  return hub;
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 800 && !what(); i++) await wait(25);
  expect(what()).toBe(true);
}

describe("what was taken back while the hub was away", () => {
  it("leaves the outbox with the withdrawal, and stays in the log", async () => {
    await withdraw("ann");
    expect(waiting()).toEqual([2, 4, 6]);
    expect(dropped()).toEqual([1, 3, 5].map((sequence) => ({ sequence, because: "consentWithdrawn" })));
    expect(store.read.prepare("SELECT count(*) AS n FROM egress_leaf").get()).toEqual({ n: 6 });
  });

  it("is not sent when the hub returns, and the hub hears which numbers never come", async () => {
    await withdraw("ann");
    await using hub = await openHub();
    await using _link = link(hub.port);
    await until(
      () => waiting().length === 0 && numbers("SELECT sequence FROM dropped WHERE told = 0").length === 0,
    );
    expect(sent()).toEqual([2, 4, 6]);
    expect(JSON.stringify(batches)).not.toContain("a".repeat(32));
    expect(batches.flatMap(({ dropped: ranges = [] }) => ranges)).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
    ]);
  });

  it("stays taken back when the member says yes again", async () => {
    await withdraw("ann");
    await clock.advance(1000);
    await agree("ann", clock.now());
    await using hub = await openHub();
    await using _link = link(hub.port);
    await until(() => waiting().length === 0);
    expect(sent()).toEqual([2, 4, 6]);
  });

  it("is not put back when the hub asks for the gap: it is told of it again", async () => {
    await withdraw("ann");
    await store.run("toldDropped", [[1, 6]]);
    await store.run("requeue", [[1, 6]]);
    expect(waiting()).toEqual([2, 4, 6]);
    expect(numbers("SELECT sequence FROM dropped WHERE told = 0")).toEqual([1, 3, 5]);
  });
});

describe("at the moment of sending", () => {
  it("drops what a yes that ran out meanwhile no longer covers", async () => {
    await agree("ben", START, addMs(START, 2 * MONTH_MS));
    await clock.advance(MONTH_MS);
    await using hub = await openHub();
    await using _link = link(hub.port);
    await until(() => waiting().length === 0);
    expect(sent()).toEqual([2, 4, 6]);
    expect(dropped()).toEqual([1, 3, 5].map((sequence) => ({ sequence, because: "consentExpired" })));
  });

  it("drops what the policy of this moment no longer offers", async () => {
    policy = { policy: { ...voted, offers: [] } };
    await using hub = await openHub();
    await using _link = link(hub.port);
    await until(() => waiting().length === 0 && batches.length > 0);
    expect(sent()).toEqual([]);
    expect(dropped()[0]).toEqual({ sequence: 1, because: "noOffer" });
  });

  it.each<[string, () => void, () => void]>([
    ["the clock is not trusted", () => clock.trust(false), () => clock.trust(true)],
    ["there is no policy", () => (policy = noPolicy), () => (policy = { policy: voted })],
  ])("sends nothing and drops nothing while %s", async (_what, trouble, mend) => {
    trouble();
    await using hub = await openHub();
    await using open = link(hub.port);
    await until(() => batches.length > 0);
    expect(sent()).toEqual([]);
    expect(waiting()).toHaveLength(6);
    mend();
    open.nudge();
    await until(() => waiting().length === 0);
    expect(sent()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("keeps that something was handed to the wire without a receipt, and repeats the rest byte for byte", async () => {
    {
      await using silent = await openHub(() => undefined);
      await using _link = link(silent.port);
      await until(() => batches.length > 0);
    }
    expect(numbers("SELECT sequence FROM release WHERE tried IS NULL")).toEqual([]);
    const first = batches.splice(0).flatMap(({ items }) => items);
    await withdraw("ann");
    await using hub = await openHub();
    await using _link = link(hub.port);
    await until(() => waiting().length === 0);
    const own = first.filter(({ sequence }) => sequence % 2 === 0);
    expect(batches.flatMap(({ items }) => items).map((item) => canonicalJson(item))).toEqual(
      own.map((item) => canonicalJson(item)),
    );
  });
});
