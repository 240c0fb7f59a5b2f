import { createServer, type Server, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { instant, memberId, type ActivePolicy, type OfferId } from "../../domain/model/index.ts";
import { openBroker, type Broker } from "../../platform/broker.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { open, seal } from "../../protocol/envelope.ts";
import { generateKeyPair, publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import { topics, type Body } from "../../protocol/messages.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { openLink, type Link } from "./link.ts";

/** The link against a hub of this test's own, on a real broker: what it acknowledges, and with what, is up to the test. */
const START = instant(Date.UTC(2026, 5, 15));
let clock = new ManualClock(START);
const log = openLog("test", { write: () => undefined });
const [gatewayKeys, hubKeys, strangerKeys] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];

const [member, offer] = [memberId("m"), "o" as OfferId];
const voted = votedFor([{ id: offer, recipientKey: publicKeyToText(hubKeys.publicKey) }]);
const YEAR_MS = 365 * 86_400_000;

let folder: string;
let store: RecordStore;
let policy: ActivePolicy;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-link-"));
  store = await openRecord({ path: join(folder, "record.sqlite") });
  policy = { policy: voted };
  clock = new ManualClock(START);
  await agree(0, START + YEAR_MS);
  await release([1, 2, 3]);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const agree = (given: number, expires: number): Promise<void> =>
  store.run("giveConsent", yesTo(voted, { member, given: instant(given), expires: instant(expires) }));

/** Summaries that passed the gate, one a quarter hour. */
async function release(numbers: readonly number[]): Promise<void> {
  const summary = { kind: "energyInterval", member: "m" } as never;
  const summaries = numbers.map((i) => ({ key: String(i), time: i, summary }));
  await store.run("saveSummaries", { intervals: [], progress: {}, summaries });
  const energy = { export: 0, production: 0, selfConsumption: 0, provenance: "counted" as const };
  const passed = numbers.map((i) => ({
    ...{ summaryId: i, member: "m", subject: "0".repeat(32), recipient: "hub", released: 1 },
    item: {
      ...{ offer: "o", purpose: "dpv:ServiceProvision", policyVersion: 1 },
      summary: {
        kind: "energyInterval" as const,
        subject: "0".repeat(32),
        start: i * 900_000,
        import: i,
        consumption: i,
        ...energy,
      },
    },
    leaf: {
      ...{ version: 1 as const, offer: "o", policy: "", recipient: "hub", members: [] },
      window: { from: i * 900_000, to: (i + 1) * 900_000 },
    },
  }));
  await store.run("release", { passed, denied: [], completeThrough: 4 * 900_000 });
}

const link = (port: number): Link =>
  openLink({
    ...{ url: `mqtt://127.0.0.1:${port}`, gateway: "gw", hub: "hub", password: "p", store, clock, log },
    policy: () => policy,
    ...{ key: gatewayKeys.privateKey, ownKey: gatewayKeys.publicKey, hubKey: hubKeys.publicKey },
  });
const waiting = (): number => Number(store.read.prepare("SELECT count(*) AS n FROM outbox").get()?.n);

/** A hub that answers each batch with what `answer` makes of it, signed with `key`. */
async function openHub(
  answer: (batch: Extract<Body, { kind: "batch" }>) => Body | undefined,
  key = hubKeys.privateKey,
): Promise<Broker> {
  const broker: Broker = await openBroker({
    ...{ host: "127.0.0.1", port: 0, log },
    authenticate: (user) => user,
    mayPublish: () => true,
    maySubscribe: () => true,
    async onMessage({ payload }) {
      const { body } = open(payload, { from: "gw", to: "hub", key: gatewayKeys.publicKey });
      const reply = body.kind === "batch" ? answer(body) : undefined;
      if (!reply) return;
      const bytes = seal(reply, { from: "hub", to: "gw", sent: clock.now(), key });
      // After the PUBACK, as a hub's receipt; the test may be over by then.
      setTimeout(() => void broker.publish(topics.down("gw"), bytes).catch(() => undefined), 5);
    },
  });
  return broker;
}

const receipt = (batch: Extract<Body, { kind: "batch" }>): Body => ({
  kind: "receipt",
  received: batch.items.map((i) => ({ sequence: i.sequence, digest: sha256Hex(canonicalJson(i)) })),
  gaps: [],
});

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !what(); i++) await wait(25);
  expect(what()).toBe(true);
}

it("trims the outbox by a signed receipt, and by nothing else", async () => {
  const seen: number[][] = [];
  await using hub = await openHub((batch) => {
    seen.push(batch.items.map((item) => item.sequence));
    return receipt(batch);
  });
  await using _link = link(hub.port);
  await until(() => waiting() === 0);
  expect(seen[0]).toEqual([1, 2, 3]);
});

it.each<[string, (batch: Extract<Body, { kind: "batch" }>) => Body, typeof hubKeys]>([
  ["signed with another key", receipt, strangerKeys],
  [
    "over other bytes",
    (b) => ({
      kind: "receipt",
      received: b.items.map(({ sequence }) => ({ sequence, digest: "0".repeat(64) })),
      gaps: [],
    }),
    hubKeys,
  ],
])("keeps everything when the receipt is %s", async (_what, answer, keys) => {
  let batches = 0;
  await using hub = await openHub((batch) => {
    batches++;
    return answer(batch);
  }, keys.privateKey);
  await using _link = link(hub.port);
  await until(() => batches > 0);
  await wait(200);
  expect(waiting()).toBe(3);
});

it("sends again what the hub signed for and then lost", async () => {
  const seen: number[] = [];
  await using hub = await openHub((batch) => {
    const now = batch.items.map((item) => item.sequence);
    seen.push(...now);
    // With item 4 comes the news that 2 is gone, as after a restored backup.
    return { ...receipt(batch), gaps: now.includes(4) ? [[2, 2]] : [] } as Body;
  });
  await using open = link(hub.port);
  await until(() => waiting() === 0);
  await release([4]);
  open.nudge();
  await until(() => seen.length === 5 && waiting() === 0);
  expect(seen).toEqual([1, 2, 3, 4, 2]);
});

it("asks first how far the hub is where the record was restored, and sends nothing before it knows", async () => {
  using db = new DatabaseSync(join(folder, "record.sqlite"));
  db.exec("INSERT INTO progress (name, value) VALUES ('restored', 1)");
  const seen: { sequences: number[]; restored: boolean; head: boolean }[] = [];
  await using hub = await openHub((batch) => {
    const restored = batch.restored === true;
    seen.push({ sequences: batch.items.map((i) => i.sequence), restored, head: batch.log !== undefined });
    return { ...receipt(batch), ...(restored && { highest: 7 }) } as Body;
  });
  await using open = link(hub.port);
  await until(() => waiting() === 0);
  expect(seen.slice(0, 2)).toEqual([
    { sequences: [], restored: true, head: false },
    { sequences: [1, 2, 3], restored: false, head: false },
  ]);
  await release([4]);
  open.nudge();
  await until(() => seen.some(({ sequences }) => sequences.includes(8)));
});

it("does not hang on a line that takes the connection and drops it", async () => {
  const sockets = new Set<Socket>();
  const cut: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => cut.listen(0, "127.0.0.1", resolve));
  const { port } = cut.address() as { port: number };
  await using open = link(port);
  await until(() => sockets.size >= 2);
  expect(open.state()).toMatchObject({
    connected: false,
    lastError: expect.stringContaining("hub at mqtt://"),
  });
  cut.close();
});
