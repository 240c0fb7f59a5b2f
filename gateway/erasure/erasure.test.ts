import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addMs, instant, memberId, type OfferId } from "../../domain/model/index.ts";
import { openBroker, type Broker } from "../../platform/broker.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { open, seal } from "../../protocol/envelope.ts";
import { requestDigest } from "../../protocol/erasure-digest.ts";
import { requestHolds, signAnswer, type ErasureRequest } from "../../protocol/erasure.ts";
import { generateKeyPair, publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import { topics, type Body } from "../../protocol/messages.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { openLink, type Link } from "../forward/link.ts";
import { openRecord } from "../record/open.ts";
import { recipientRefusals } from "../release/recipient.ts";
import { dueNow } from "../release/sending.ts";
import type { RecordStore } from "../record/store.ts";
import { askedFor, suspendedRecipients } from "./asked.ts";
import { askForgetting } from "./asking.ts";

/** A record on a disk that others use, too. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** What follows when a yes ends: expectations by hand from issue 5, section 5. */
const START = instant(Date.UTC(2026, 5, 15));
const DAY = 86_400_000;
const log = openLog("test", { write: () => undefined });
const [gatewayKeys, hubKeys, strangerKeys] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
const offer = "o" as OfferId;
const voted = votedFor([{ id: offer, recipientKey: publicKeyToText(hubKeys.publicKey) }]);

let folder: string;
let store: RecordStore;
let clock: ManualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-erasure-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(START);
  for (const member of ["ann", "ben"]) await agree(member, START, addMs(START, 30 * DAY));
  // 1, 3, 5 are of ann, 2, 4, 6 of ben; the hub has all but 5 and 6.
  await release(6);
  await receipt([1, 2, 3, 4]);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const agree = (member: string, given = clock.now(), expires = addMs(clock.now(), 30 * DAY)): Promise<void> =>
  store.run("giveConsent", yesTo(voted, { member, given, expires }));
const withdraw = (member: string): Promise<number> =>
  store.run("withdrawConsent", { member: memberId(member), offer, withdrawn: clock.now() });
const ask = (): Promise<number> =>
  askForgetting({ store, clock, gateway: "gw", hub: "hub", key: gatewayKeys.privateKey, log });
const askedOf = (member: string) => askedFor(store.read, { member, limit: 10 });
const asked = (member: string): unknown[] =>
  askedOf(member).map(({ request: { because, releases } }) => ({ because, releases }));
const waiting = (): number[] =>
  store.read
    .prepare("SELECT sequence FROM outbox ORDER BY sequence")
    .all()
    .map(({ sequence }) => Number(sequence));

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
    const [start, end] = [i * 900_000, (i + 1) * 900_000];
    const summary = { kind: "energyInterval" as const, subject, start, import: i, consumption: i };
    return {
      ...{ summaryId: i, member: of(i), subject, recipient: "hub", released: START },
      item: { offer, purpose: "dpv:ServiceProvision", policyVersion: 1, summary: { ...summary, ...energy } },
      leaf: {
        ...{ version: 1 as const, offer, policy: "", recipient: "hub", members: [] },
        window: { from: start, to: end },
      },
    };
  });
  await store.run("release", { passed, denied: [], completeThrough: 7 * 900_000 });
}

const receipt = (sequences: readonly number[]): Promise<void> =>
  store.run(
    "trimOutbox",
    sequences.map((sequence) => ({ sequence, digest: "d", received: START })),
  );

describe("a yes that ended", () => {
  it("has what left under it deleted, signed, once, and nothing of another member", async () => {
    await clock.advance(DAY);
    await withdraw("ann");
    expect(await ask()).toBe(1);
    // 5 was never handed to the wire: it was dropped, and there is nothing to delete.
    expect(asked("ann")).toEqual([{ because: "consentWithdrawn", releases: [1, 3] }]);
    expect(asked("ben")).toEqual([]);
    const [first] = askedOf("ann");
    expect(first?.asked).toBe(START + DAY);
    expect(first && requestHolds(first.request, gatewayKeys.publicKey)).toBe(true);
    expect(await ask()).toBe(0);
  });

  it("is noticed when it runs out, and what waits under it is dropped", async () => {
    await clock.advance(30 * DAY);
    expect(await ask()).toBe(2);
    expect(asked("ben")).toEqual([{ because: "consentExpired", releases: [2, 4] }]);
    expect(waiting()).toEqual([]);
  });

  it("does not run out while the clock is not trusted; what was taken back counts all the same", async () => {
    await clock.advance(31 * DAY);
    clock.trust(false);
    expect(await ask()).toBe(0);
    await withdraw("ann");
    expect(await ask()).toBe(1);
  });

  it("counts what was on its way and never receipted: the hub may have it", async () => {
    await store.run("settleSending", { time: START, dropped: [], tried: [5] });
    await withdraw("ann");
    await ask();
    expect(asked("ann")).toEqual([{ because: "consentWithdrawn", releases: [1, 3, 5] }]);
  });

  it("is asked about also when the record was closed right after the withdrawal", async () => {
    await withdraw("ann");
    await store[Symbol.asyncDispose]();
    store = await openRecord({ path: join(folder, "record.sqlite") });
    expect(await ask()).toBe(1);
  });

  it("leaves what a new yes covers alone, and what was asked for stays asked", async () => {
    await withdraw("ann");
    await ask();
    await clock.advance(1000);
    await agree("ann");
    await clock.advance(1000);
    await withdraw("ann");
    expect(await ask()).toBe(0);
    expect(asked("ann")).toEqual([{ because: "consentWithdrawn", releases: [1, 3] }]);
  });

  it("is not over while a later one follows without a break", async () => {
    await clock.advance(29 * DAY);
    await agree("ann");
    await clock.advance(2 * DAY);
    await ask();
    expect(asked("ann")).toEqual([]);
  });

  it("keeps what is to be forgotten away when the hub reports a gap there", async () => {
    await withdraw("ann");
    await ask();
    await store.run("requeue", [[1, 4]]);
    expect(waiting()).toEqual([2, 4, 6]);
  });
});

describe("the recipient's answer", () => {
  const partsOf = (request: ErasureRequest) => [
    { outcome: "deleted" as const, releases: request.releases.slice(1) },
    { outcome: "lawfulHold" as const, until: START + 3650 * DAY, releases: request.releases.slice(0, 1) },
  ];
  const answerTo = (request: ErasureRequest, key = hubKeys, parts = partsOf(request)) =>
    signAnswer(
      {
        ...{ version: 1, hub: "hub", gateway: "gw", request: requestDigest(request), answered: clock.now() },
        ...{ filesCleanBy: START + DAY, backupsCleanBy: START + 30 * DAY, parts },
      },
      key.privateKey,
    );

  let heard: ErasureRequest[];
  /** A hub that receipts batches, and answers each request as the test says. */
  function openHub(answer: (request: ErasureRequest) => Body | undefined): Promise<Broker> {
    heard = [];
    const hub: Promise<Broker> = openBroker({
      ...{ host: "127.0.0.1", port: 0, log },
      authenticate: (user) => user,
      mayPublish: () => true,
      maySubscribe: () => true,
      async onMessage({ payload }) {
        const { body } = open(payload, { from: "gw", to: "hub", key: gatewayKeys.publicKey });
        if (body.kind === "erasure") heard.push(body.request);
        const reply = body.kind === "erasure" ? answer(body.request) : receiptOf(body);
        if (!reply) return;
        const bytes = seal(reply, { from: "hub", to: "gw", sent: clock.now(), key: hubKeys.privateKey });
        const broker = await hub;
        setTimeout(() => void broker.publish(topics.down("gw"), bytes).catch(() => undefined), 5);
      },
    });
    return hub;
  }
  const receiptOf = (body: Body): Body => ({
    ...{ kind: "receipt", gaps: [] },
    received: (body.kind === "batch" ? body.items : []).map((one) => ({
      ...{ sequence: one.sequence, digest: sha256Hex(canonicalJson(one)) },
    })),
  });
  const link = (port: number): Link =>
    openLink({
      ...{ url: `mqtt://127.0.0.1:${port}`, gateway: "gw", hub: "hub", password: "p", store, clock, log },
      ...{ key: gatewayKeys.privateKey, ownKey: gatewayKeys.publicKey, hubKey: hubKeys.publicKey },
      policy: () => ({ policy: voted }),
    });
  async function until(what: () => boolean): Promise<void> {
    for (let i = 0; i < 800 && !what(); i++) await wait(25);
    expect(what()).toBe(true);
  }
  const answered = (): number =>
    ["ann", "ben"].flatMap(askedOf).filter((one) => one.answered !== undefined).length;

  it("is asked for over the link, in order, verified, kept with the outcome of each release", async () => {
    for (const member of ["ann", "ben"]) {
      await withdraw(member);
      await ask();
    }
    await using hub = await openHub((request) => ({ kind: "erased", answer: answerTo(request) }));
    await using _link = link(hub.port);
    await until(() => answered() === 2);
    expect(heard.map(({ releases }) => releases)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(store.read.prepare("SELECT release, outcome, until FROM erasure_release").all()).toEqual([
      { release: 1, outcome: "lawfulHold", until: START + 3650 * DAY },
      { release: 2, outcome: "lawfulHold", until: START + 3650 * DAY },
      { release: 3, outcome: "deleted", until: null },
      { release: 4, outcome: "deleted", until: null },
    ]);
  });

  it.each<[string, (request: ErasureRequest) => Body | undefined]>([
    ["does not come", () => undefined],
    ["is of a stranger", (one) => ({ kind: "erased", answer: answerTo(one, strangerKeys) })],
    [
      "leaves a release out",
      (one) => ({ kind: "erased", answer: answerTo(one, hubKeys, partsOf(one).slice(1)) }),
    ],
    [
      "is to another request",
      (one) => ({ kind: "erased", answer: answerTo({ ...one, asked: one.asked + 1 }) }),
    ],
  ])("that %s is none: it is asked again on the next connection, and then kept", async (_what, wrong) => {
    await withdraw("ann");
    await ask();
    {
      await using hub = await openHub(wrong);
      await using _link = link(hub.port);
      await until(() => heard.length === 1 && waiting().length === 0);
      expect(answered()).toBe(0);
    }
    await using hub = await openHub((request) => ({ kind: "erased", answer: answerTo(request) }));
    await using _link = link(hub.port);
    await until(() => answered() === 1);
  });

  it("that does not come in so many days suspends the recipient, until it comes", async () => {
    await withdraw("ann");
    await ask();
    const suspended = (now: number) => suspendedRecipients(store.read, { now, days: 14 });
    expect(suspended(START + 14 * DAY - 1)).toEqual([]);
    expect(suspended(START + 14 * DAY)).toEqual([{ recipient: "hub", asked: START, requests: 1 }]);
    const [first] = askedOf("ann");
    if (!first) throw new Error("nothing was asked");
    const answer = answerTo(first.request);
    expect(await store.run("keepErased", { answer, answered: clock.now() })).toBe(true);
    expect(await store.run("keepErased", { answer, answered: clock.now() })).toBe(false);
    expect(suspended(START + 99 * DAY)).toEqual([]);
  });

  it("that is owed holds back what waits for its recipient, and drops nothing of it", async () => {
    const hub = { id: "hub", publicKey: publicKeyToText(hubKeys.publicKey) };
    const due = () => {
      const { items, dropped, held } = dueNow(store.read, {
        policy: () => ({ policy: voted }),
        clock,
        hub,
        limit: 9,
      });
      return { items: items.map(({ sequence }) => sequence), dropped, held };
    };
    await withdraw("ann");
    await ask();
    await clock.advance(14 * DAY - 1);
    expect(due()).toEqual({ items: [6], dropped: [] });
    await clock.advance(1);
    expect(due()).toEqual({ items: [], dropped: [], held: "recipientSuspended" });
    const refusal = () => recipientRefusals(store.read, { hub, now: clock.now() });
    const terms = { recipient: "hub", recipientKey: hub.publicKey };
    expect(refusal()(terms)).toBe("recipientSuspended");
    const [first] = askedOf("ann");
    if (!first) throw new Error("nothing was asked");
    await store.run("keepErased", { answer: answerTo(first.request), answered: clock.now() });
    expect(due()).toEqual({ items: [6], dropped: [] });
    expect(refusal()(terms)).toBeUndefined();
    // A correction of what is deleted would tell it again.
    expect([refusal()(terms, 1), refusal()(terms, 2)]).toEqual(["toBeForgotten", undefined]);
  });
});
