import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { instant, memberId } from "../../domain/model/index.ts";
import { markRestored } from "../../gateway/backup/mark.ts";
import { createRestored } from "../../gateway/forward/restored.ts";
import { createWitnessed } from "../../gateway/forward/witnessed.ts";
import { commands } from "../../gateway/record/commands.ts";
import { migrate } from "../../gateway/record/migrate.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { transact } from "../../gateway/record/transact.ts";
import { auditEgress } from "../../gateway/release/audit.ts";
import type { Passed } from "../../gateway/release/commands.ts";
import { createGate } from "../../gateway/release/gate.ts";
import { logSigner, signHead } from "../../gateway/release/egress-log.ts";
import { proofOf } from "../../gateway/release/proof.ts";
import { waitingReleases } from "../../gateway/release/released.ts";
import { awaitsHub, nextSequence } from "../../gateway/release/restored.ts";
import { openLog } from "../../platform/log.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import { verifyEgressProof } from "../../protocol/egress-proof.ts";
import type { BatchBody, ReceiptBody } from "../../protocol/messages.ts";
import { HUB, batch, MIDNIGHT, openVillage, SLOT, subject, type Village } from "../support/hub.ts";

/**
 * A gateway whose record came out of a backup, against a real hub's intake: the record's own commands and the link's
 * own parts, without a wire between them.
 */
const member = memberId("house-01");
const secret = Buffer.alloc(32, 7);
const quiet = openLog("test", { write: () => undefined });

let folder: string;
let village: Village;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-restored-"));
  village = await openVillage(["north"]);
});
afterAll(async () => {
  await village[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Gateway extends Disposable {
  readonly db: DatabaseSync;
  release(...slots: readonly number[]): void;
  /** One batch with what waits and what the link would add to it. */
  exchange(asides?: Partial<BatchBody>): Promise<ReceiptBody>;
  /** Shows the hub the log's head. @returns what was shown */
  show(): Promise<BatchBody["log"]>;
  readonly store: RecordStore;
}

function openGateway(path: string): Gateway {
  const db = new DatabaseSync(path);
  migrate(db, { path });
  const run = (name: keyof typeof commands, input: never): Promise<unknown> =>
    Promise.resolve(transact(db, () => commands[name](db, input) as unknown));
  const store = { read: db, run } as unknown as RecordStore;
  const keys = village.keys.get("north");
  if (!keys) throw new Error("no key");
  const signer = logSigner("north", keys);
  const exchange = async (asides: Partial<BatchBody> = {}): Promise<ReceiptBody> => {
    const items = asides.restored ? [] : waitingReleases(db, 100).map(({ item }) => item);
    const { receipt } = await village.tell("north", { ...batch(items), ...asides });
    commands.trimOutbox(
      db,
      receipt.received.map((one) => ({ ...one, received: MIDNIGHT })),
    );
    return receipt;
  };
  return {
    db,
    store,
    exchange,
    release(...slots) {
      for (const slot of slots) saveSummary(db, slot);
      commands.release(db, { passed: slots.map((slot) => passed(slot)), denied: [], completeThrough: 0 });
      const head = signHead(db, signer);
      if (head) commands.saveHead(db, { ...head, signed: MIDNIGHT });
    },
    async show() {
      const [ownKey, hubKey] = [keys.publicKey, village.witness.publicKey];
      const about = { store, gateway: "north", hub: HUB, clock: village.clock, log: quiet };
      const witnessed = createWitnessed({ ...about, hubKey, ownKey });
      const log = witnessed.next();
      if (log) await witnessed.heard((await exchange({ log })).witness);
      return log;
    },
    [Symbol.dispose]: () => db.close(),
  };
}

const saveSummary = (db: DatabaseSync, slot: number): unknown =>
  db
    .prepare(
      "INSERT INTO summary (id, kind, member, key, time, summary) VALUES (?, 'energyInterval', ?, ?, 0, '{}')",
    )
    .run(slot, member, String(slot));

const passed = (slot: number): Passed => ({
  ...{ summaryId: slot, member, subject: subject(1), recipient: HUB, released: MIDNIGHT },
  item: {
    ...{ offer: "trading", purpose: "dpv:ServiceProvision", policyVersion: 1 },
    summary: {
      ...{
        kind: "energyInterval",
        subject: subject(1),
        start: MIDNIGHT + slot * SLOT,
        provenance: "counted",
      },
      ...{ import: slot, export: 0, production: 0, consumption: slot, selfConsumption: 0 },
    },
  },
  leaf: {
    ...{ version: 1, offer: "trading", policy: "", recipient: HUB },
    window: { from: MIDNIGHT + slot * SLOT, to: MIDNIGHT + (slot + 1) * SLOT },
    members: [commitmentOf(secret, member, slot).hash],
  },
});

const rows = (sql: string) => village.storage.query(sql);

it("a restored gateway releases nothing before the hub has spoken, then goes on behind it, in a log of its own", async () => {
  const data = join(folder, "data");
  mkdirSync(data);
  using before = openGateway(join(folder, "before.sqlite"));
  before.release(1, 2, 3);
  before.db.prepare("VACUUM INTO ?").run(join(data, "record.sqlite"));
  before.release(4, 5);
  await before.exchange();
  await before.show();
  expect(await rows("SELECT epoch, size FROM log_head")).toMatchObject([{ epoch: 1, size: 5 }]);

  expect(markRestored(folder, { now: instant(MIDNIGHT), keepConsents: false })).toBe(0);
  using gateway = openGateway(join(data, "record.sqlite"));
  expect(awaitsHub(gateway.db)).toBe(true);
  // A head of three leaves, which the witness saw with five, is not shown.
  expect(await gateway.show()).toBeUndefined();

  let more = 0;
  const restored = createRestored({ store: gateway.store, clock: village.clock, log: quiet }, () => more++);
  // A receipt that was not asked for settles nothing.
  restored.heard(0);
  expect(restored.next()).toBe(true);
  expect(restored.next()).toBeUndefined();
  const { highest } = await gateway.exchange({ restored: true });
  expect(highest).toBe(5);
  restored.heard(highest);
  await expect.poll(() => more).toBe(1);
  expect(awaitsHub(gateway.db)).toBe(false);
  expect(nextSequence(gateway.db)).toBe(6);

  gateway.release(6);
  const receipt = await gateway.exchange();
  // 1 to 3 waited in the backup, and the hub has them: the same bytes.
  expect(receipt.received.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 6]);
  expect(receipt.gaps).toEqual([]);
  const log = await gateway.show();
  expect(log?.head.split("\n").slice(0, 2)).toEqual(["fieldwatt/north/egress/2", "4"]);
  expect(log?.from).toBe(0);
  const heads = await rows("SELECT epoch, size FROM log_head ORDER BY epoch");
  expect(heads).toMatchObject([
    { epoch: 1, size: 5 },
    { epoch: 2, size: 4 },
  ]);
  expect(await rows("SELECT because FROM log_contradiction")).toMatchObject([
    { because: "epoch 2 of the log began; the one before ended here at 5 leaves" },
  ]);
  await expectProven(gateway);
});

/** The log of the restored gateway stands on its own: its audit finds nothing, and its proofs are cosigned. */
async function expectProven({ db }: Gateway): Promise<void> {
  const keys = village.keys.get("north");
  if (!keys) throw new Error("no key");
  const log = logSigner("north", keys);
  const held = await rows("SELECT sequence, digest FROM item");
  const received = new Map(held.map(({ sequence, digest }) => [Number(sequence), String(digest)]));
  expect([...received.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(auditEgress({ db, log, received })).toMatchObject({ releases: 4, lostToRestore: 2, findings: [] });
  const witness = { name: HUB, publicKey: village.witness.publicKey };
  for (const sequence of [2, 6]) {
    const proof = proofOf(db, { sequence, member }, { log, secret, witness });
    expect(verifyEgressProof(JSON.stringify(proof), {})).toMatchObject({
      log: "fieldwatt/north/egress/2",
      size: 4,
      witnessed: [{ name: HUB }],
    });
  }
}

it.each([
  ["keeps its summaries undecided where the site has a hub", true, 0],
  ["decides where the site has none: nobody else numbers its releases", false, 2],
])("a restored gateway %s", async (_, hasHub, decided) => {
  const path = join(folder, `${decided}.sqlite`);
  using gateway = openGateway(path);
  saveSummary(gateway.db, 1);
  gateway.db.exec("INSERT INTO progress (name, value) VALUES ('restored', 1)");
  const keys = village.keys.get("north");
  if (!keys) throw new Error("no key");
  const { store } = gateway;
  // Without a policy everything is denied, which is a decision, too.
  const gate = createGate({
    ...{ store, secret, clock: village.clock, timeZone: "UTC" },
    policy: () => ({ because: "noPolicy" }),
    hub: hasHub ? { id: HUB, publicKey: "k".repeat(43) } : undefined,
    signer: logSigner("north", keys),
  });
  expect(await gate.pass()).toBe(false);
  expect(gateway.db.prepare("SELECT decided FROM summary").get()).toEqual({ decided });
});

it("the hub does not follow an epoch back, nor a log of another gateway", async () => {
  using old = openGateway(join(folder, "before.sqlite"));
  old.release(7);
  const log = await old.show();
  expect(log?.head).toMatch(/^fieldwatt\/north\/egress\n/);
  expect(await rows("SELECT epoch, size FROM log_head ORDER BY epoch")).toHaveLength(2);
  const other = { head: log?.head.replace("north", "south") ?? "", from: 0, proof: [] };
  const { witness } = await old.exchange({ log: other });
  expect(witness).toMatchObject({ because: '"fieldwatt/south/egress" is no log of north' });
});
