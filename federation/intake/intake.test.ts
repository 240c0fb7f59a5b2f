import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { seal } from "../../protocol/envelope.ts";
import { generateKeyPair, sha256Hex } from "../../protocol/keys.ts";
import {
  batch,
  energy,
  HUB,
  item,
  MIDNIGHT,
  openVillage,
  SLOT,
  subject,
  uccle,
  type Village,
} from "../../test/support/hub.ts";

const slots = (...sequences: number[]) =>
  sequences.map((n) => item(n, energy(subject(1), MIDNIGHT + n * SLOT, { imported: 100 + n })));
const digestOf = (value: unknown) => sha256Hex(canonicalJson(value));

let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const held = (table: string) =>
  village.storage.query(`SELECT gateway, sequence FROM ${table} ORDER BY gateway, sequence`);

describe("a batch", () => {
  it("is kept once, and its receipt names every item with the digest of what is held", async () => {
    const items = [...slots(1, 2), item(3, uccle(subject(2)))];
    const { receipt, fresh } = await village.tell("north", batch(items));
    expect(fresh).toBe(3);
    expect(receipt).toEqual({
      kind: "receipt",
      received: items.map((one) => ({ sequence: one.sequence, digest: digestOf(one) })),
      gaps: [],
    });
    expect(await held("item")).toEqual([1, 2, 3].map((sequence) => ({ gateway: "north", sequence })));
    expect(await held("energy_interval")).toEqual([1, 2].map((sequence) => ({ gateway: "north", sequence })));
    expect(await held("farm_day")).toEqual([{ gateway: "north", sequence: 3 }]);
  });

  it("that comes again changes nothing and gets the same receipt", async () => {
    const first = await village.tell("north", batch(slots(1, 2)));
    const second = await village.tell("north", batch(slots(1, 2)));
    expect(second).toEqual({ ...first, fresh: 0 });
    expect(await held("item")).toHaveLength(2);
  });

  it("is told apart by gateway: the same numbers of another are other items", async () => {
    await village.tell("north", batch(slots(1)));
    expect(await village.tell("south", batch(slots(1)))).toMatchObject({ fresh: 1 });
  });

  it("with another item under a known number is a conflict: the first stays, and the receipt shows it", async () => {
    const [first] = slots(1);
    const other = item(1, energy(subject(1), MIDNIGHT + SLOT, { imported: 999 }));
    await village.tell("north", batch(slots(1)));
    const { receipt } = await village.tell("north", batch([other]));
    expect(receipt.received).toEqual([{ sequence: 1, digest: digestOf(first) }]);
    expect(await village.storage.query("SELECT import_wh FROM energy_interval")).toEqual([
      { import_wh: 101 },
    ]);
    expect(village.logged.join()).toContain("the first stays");
  });

  it("that holds one number twice keeps the first of the two", async () => {
    const other = item(1, energy(subject(9), MIDNIGHT, { imported: 999 }));
    await village.tell("north", batch([...slots(1), other]));
    expect(await village.storage.query("SELECT import_wh FROM energy_interval")).toEqual([
      { import_wh: 101 },
    ]);
  });

  it("without items still tells that the gateway is there, and how far it is", async () => {
    await village.tell("north", batch([], { completeThrough: MIDNIGHT, answersThrough: 0 }));
    const [row] = await village.storage.query(
      "SELECT last_contact, complete_through FROM gateway WHERE id = 'north'",
    );
    expect(row).toEqual({ last_contact: MIDNIGHT, complete_through: MIDNIGHT });
  });

  it("that is older than another never moves a gateway back", async () => {
    await village.tell("north", batch([], { completeThrough: MIDNIGHT + SLOT }));
    await village.tell("north", batch([], { completeThrough: MIDNIGHT }));
    const [row] = await village.storage.query("SELECT complete_through FROM gateway WHERE id = 'north'");
    expect(row).toEqual({ complete_through: MIDNIGHT + SLOT });
  });
});

describe("gaps", () => {
  it.each([
    { told: [[1, 2, 3]], gaps: [] },
    { told: [[3]], gaps: [[1, 2]] },
    { told: [[1, 2], [5]], gaps: [[3, 4]] },
    {
      told: [[1], [3], [6, 9]],
      gaps: [
        [2, 2],
        [4, 5],
        [7, 8],
      ],
    },
    { told: [[1], [5], [2, 3]], gaps: [[4, 4]] },
    { told: [[2], [4], [1], [3], [6]], gaps: [[5, 5]] },
  ])("after $told are $gaps", async ({ told, gaps }) => {
    let last;
    for (const sequences of told) last = await village.tell("north", batch(slots(...sequences)));
    expect(last?.receipt.gaps).toEqual(gaps);
  });
});

describe("nothing is kept of a message", () => {
  const body = batch(slots(1));
  const sealing = { from: "north", to: HUB, sent: instant(MIDNIGHT) };
  it.each([
    {
      why: "signed by another key",
      code: "SIGNATURE_INVALID",
      bytes: () => seal(body, { ...sealing, key: generateKeyPair().privateKey }),
    },
    {
      why: "for another hub",
      code: "SIGNATURE_INVALID",
      bytes: () => seal(body, { ...sealing, to: "hub-2", key: keyOf("north") }),
    },
    {
      why: "of another gateway",
      code: "SIGNATURE_INVALID",
      bytes: () => seal(body, { ...sealing, from: "south", key: keyOf("south") }),
    },
    {
      why: "changed on the way",
      code: "SIGNATURE_INVALID",
      bytes: () => changed(seal(body, { ...sealing, key: keyOf("north") })),
    },
    { why: "that is not JSON", code: "MESSAGE_INVALID", bytes: () => Buffer.from("hello") },
    {
      why: "that only a hub may send",
      code: "MESSAGE_INVALID",
      bytes: () => seal({ kind: "receipt", received: [], gaps: [] }, { ...sealing, key: keyOf("north") }),
    },
    { why: "above the largest size", code: "MESSAGE_TOO_LARGE", bytes: () => Buffer.alloc(256 * 1024 + 1) },
  ])("$why", async ({ code, bytes }) => {
    await expect(village.receive("north", bytes())).rejects.toMatchObject({ code });
    expect(await held("item")).toEqual([]);
    expect(await village.storage.query("SELECT last_contact FROM gateway WHERE id = 'north'")).toEqual([
      { last_contact: null },
    ]);
  });

  it("of a gateway that is not enrolled", async () => {
    await expect(village.receive("east", Buffer.from("{}"))).rejects.toMatchObject({
      code: "SIGNATURE_INVALID",
    });
  });
});

function keyOf(gateway: string) {
  const pair = village.keys.get(gateway);
  if (!pair) throw new Error(`${gateway} has no key`);
  return pair.privateKey;
}

const changed = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString().replace('"import":101', '"import":100'));
