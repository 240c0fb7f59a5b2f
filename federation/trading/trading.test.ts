import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BatchBody } from "../../protocol/messages.ts";
import {
  batch,
  energy,
  item,
  MIDNIGHT,
  openVillage,
  SLOT,
  subject,
  type Village,
} from "../../test/support/hub.ts";
import { clearDueSlots } from "./trading.ts";

const tariff = { currency: "KES", retail: 30_000, feedIn: 10_000 };
const DAY = 24 * 3_600_000;

let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const clear = () => clearDueSlots(village.storage, { tariff, now: village.clock.now() });
const through = (slots: number) => ({ completeThrough: MIDNIGHT + slots * SLOT });
const cleared = async () =>
  (await village.storage.query("SELECT slot FROM clearing ORDER BY slot")).map(
    ({ slot }) => (Number(slot) - MIDNIGHT) / SLOT,
  );
const answersOf = async (gateway: string) => {
  const rows = await village.storage.query(
    "SELECT sequence, answer FROM answer WHERE gateway = $1 ORDER BY sequence",
    [gateway],
  );
  return rows.map(({ sequence, answer }) => ({ sequence, ...(JSON.parse(String(answer)) as object) }));
};
/** One quarter hour of one member, told by a gateway that is complete through its end. */
const told = (sequence: number, slot: number, amounts: { imported?: number; exported?: number }): BatchBody =>
  batch([item(sequence, energy(subject(sequence), MIDNIGHT + slot * SLOT, amounts))], through(slot + 1));

describe("a slot", () => {
  it("waits for a gateway that was heard of and is not complete through its end", async () => {
    await village.tell("south", batch([]));
    await village.tell("north", told(1, 0, { imported: 1000 }));
    expect(await clear()).toBe(0);
    await village.tell("south", batch([], { completeThrough: MIDNIGHT + SLOT - 1 }));
    expect(await clear()).toBe(0);
    await village.tell("south", batch([], through(1)));
    expect(await clear()).toBe(1);
  });

  it("does not wait for a gateway that was never heard of, nor for one that was silent for a day", async () => {
    await village.tell("north", told(1, 0, { imported: 1000 }));
    expect(await clear()).toBe(1);
    await village.tell("south", batch([]));
    await village.clock.advance(DAY - 1);
    await village.tell("north", told(2, 1, { imported: 1000 }));
    expect(await clear()).toBe(0);
    await village.clock.advance(1);
    expect(await clear()).toBe(1);
  });

  it("is cleared in order, once, and only when somebody told something about it", async () => {
    await village.tell(
      "north",
      batch(
        [3, 1].map((slot) => item(slot, energy(subject(1), MIDNIGHT + slot * SLOT, { imported: 5 }))),
        through(8),
      ),
    );
    expect(await clear()).toBe(2);
    expect(await clear()).toBe(0);
    expect(await cleared()).toEqual([1, 3]);
    expect(await answersOf("north")).toMatchObject([
      { sequence: 1, slot: MIDNIGHT + SLOT },
      { sequence: 2, slot: MIDNIGHT + 3 * SLOT },
    ]);
  });

  it("that is cleared is not changed by what comes late", async () => {
    await village.tell("north", told(1, 0, { imported: 1000 }));
    await clear();
    await village.tell("south", told(1, 0, { exported: 1000 }));
    expect(await clear()).toBe(0);
    expect(await answersOf("south")).toEqual([]);
    expect(await village.storage.query("SELECT gateway FROM energy_interval WHERE NOT settled")).toEqual([
      { gateway: "south" },
    ]);
  });

  it("is cleared for all others when one member is said to have had more energy than there is", async () => {
    const mad = item(1, energy(subject(1), MIDNIGHT, { imported: Number.MAX_SAFE_INTEGER }));
    const sane = item(2, energy(subject(2), MIDNIGHT, { imported: 1000 }));
    await village.tell("north", batch([mad, sane], through(1)));
    expect(await clear()).toBe(1);
    expect(await answersOf("north")).toMatchObject([{ sequence: 1, subject: subject(2), paid: 30_000 }]);
    expect(village.logged.join()).toContain("not traded");
  });
});

describe("the answers of a clearing", () => {
  // Vector derived-mmr-deficit (test/captures/trading.json) with prices a kWh instead of a Wh: the same money.
  const demand = [1000, 1500, 500];
  const supply = [1200, 800];

  beforeEach(async () => {
    const buyers = demand.map((imported, i) => item(i + 1, energy(subject(i + 1), MIDNIGHT, { imported })));
    const sellers = supply.map((exported, i) => item(i + 1, energy(subject(i + 11), MIDNIGHT, { exported })));
    await village.tell("north", batch(buyers, through(1)));
    await village.tell("south", batch(sellers, through(1)));
    await clear();
  });

  it("tell each member their own part", async () => {
    const common = {
      kind: "clearing",
      slot: MIDNIGHT,
      rule: "mid-market-rate",
      currency: "KES",
      retail: 30_000,
      feedIn: 10_000,
      twiceMid: 40_000,
    };
    // 2000 Wh by hand: shared 1000:1500:500 → 666.7, 1000, 333.3 → 667, 1000, 333.
    expect(await answersOf("north")).toEqual(
      [
        { boughtWh: 1000, fromVillageWh: 667, paid: 23_333 },
        { boughtWh: 1500, fromVillageWh: 1000, paid: 35_000 },
        { boughtWh: 500, fromVillageWh: 333, paid: 11_667 },
      ].map((part, i) => ({
        sequence: i + 1,
        ...common,
        subject: subject(i + 1),
        soldWh: 0,
        toVillageWh: 0,
        received: 0,
        ...part,
      })),
    );
    expect(await answersOf("south")).toEqual(
      [
        { soldWh: 1200, toVillageWh: 1200, received: 24_000 },
        { soldWh: 800, toVillageWh: 800, received: 16_000 },
      ].map((part, i) => ({
        sequence: i + 1,
        ...common,
        subject: subject(i + 11),
        boughtWh: 0,
        fromVillageWh: 0,
        paid: 0,
        ...part,
      })),
    );
  });

  it("stand in the tables, and sums conserve", async () => {
    const [clearing] = await village.storage.query("SELECT * FROM clearing");
    expect(clearing).toMatchObject({
      demand_wh: 3000,
      supply_wh: 2000,
      traded_wh: 2000,
      grid_bill: 30_000,
      grid_credit: 0,
      paid: 70_000,
      received: 40_000,
      suspended: false,
    });
    const [sums] = await village.storage.query(
      "SELECT sum(paid)::bigint AS paid, sum(received)::bigint AS received, sum(from_village_wh)::bigint AS wh FROM clearing_share",
    );
    expect(sums).toEqual({ paid: 70_000, received: 40_000, wh: 2000 });
  });
});
