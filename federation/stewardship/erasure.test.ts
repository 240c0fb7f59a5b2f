import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { answerHolds, signRequest, type ErasureAnswer, type ErasureRequest } from "../../protocol/erasure.ts";
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
import { adviseOnFarmDays } from "../advisory/advisory.ts";
import { clearDueSlots } from "../trading/trading.ts";
import { endRetention } from "./retention.ts";
import { endHolds, purgeWhenDue } from "./purge.ts";

/** A storage that a busy machine is slow to write. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Expectations by hand from issue 5, section 5: what the hub does, and says, when it is asked to forget. */
let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(async () => {
  await village.clear();
  await village.storage.query("UPDATE purge SET due = NULL, done = NULL");
});
afterAll(() => village[Symbol.asyncDispose]());

const DAY = 86_400_000;
const tariff = { currency: "KES", retail: 2500, feedIn: 900 };
const wh = { imported: 487_123, exported: 5_123_987 };

/** 1 and 2 are quarter hours of subject 1, 3 of subject 2, 4 is a farm day of subject 1. */
const told = () => [
  item(1, energy(subject(1), MIDNIGHT, wh)),
  item(2, energy(subject(1), MIDNIGHT + SLOT, wh)),
  item(3, energy(subject(2), MIDNIGHT + SLOT, { imported: 7 })),
  item(4, uccle(subject(1), { rainfall: 4242.5 })),
];

const requestFor = (releases: readonly number[], asked = MIDNIGHT, gateway = "north"): ErasureRequest => {
  const keys = village.keys.get(gateway);
  if (!keys) throw new Error(`${gateway} has no key`);
  const words = { version: 1, gateway, hub: HUB, asked, offer: "trading", recipient: HUB } as const;
  return signRequest({ ...words, because: "consentWithdrawn", releases: [...releases] }, keys.privateKey);
};
const ask = (releases: readonly number[], asked?: number): Promise<ErasureAnswer> =>
  village.ask("north", requestFor(releases, asked));
const count = async (sql: string): Promise<number> => Number((await village.storage.query(sql))[0]?.n);
const clear = (completeThrough: number) =>
  village
    .tell("north", batch([], { completeThrough }))
    .then(() => clearDueSlots(village.storage, { tariff, now: village.clock.now() }));

describe("a request to forget", () => {
  it("deletes the items, what was made of them and the advice, and says so under the hub's signature", async () => {
    await village.tell("north", batch(told()));
    await adviseOnFarmDays(village.storage, MIDNIGHT);
    const request = requestFor([1, 2, 4]);
    const answer = await village.ask("north", request);
    expect(answer.parts).toEqual([{ outcome: "deleted", releases: [1, 2, 4] }]);
    expect(answer).toMatchObject({ answered: MIDNIGHT, backupsCleanBy: MIDNIGHT + 30 * DAY });
    expect(answerHolds(answer, request, village.hubKeys.publicKey)).toBe(true);
    for (const table of ["item", "energy_interval", "farm_day", "advice"])
      expect([table, await count(`SELECT count(*) AS n FROM ${table}`)]).toEqual([
        table,
        table === "item" || table === "energy_interval" ? 1 : 0,
      ]);
    expect(await village.storage.query("SELECT sequence, answer FROM answer")).toEqual([
      { sequence: 1, answer: '{"kind":"forgotten"}' },
    ]);
  });

  it("keeps the trade and the money of a settled quarter hour, until it may go, and nothing else of it", async () => {
    await village.tell("north", batch(told()));
    await clear(MIDNIGHT + SLOT);
    const { parts } = await ask([1, 2]);
    const until = MIDNIGHT + 3650 * DAY;
    expect(parts).toEqual([
      { outcome: "deleted", releases: [2] },
      { outcome: "lawfulHold", until, releases: [1] },
    ]);
    expect(await count("SELECT count(*) AS n FROM item WHERE sequence < 3")).toBe(0);
    expect(
      await village.storage.query("SELECT sold_wh, received FROM clearing_share WHERE subject = $1", [
        subject(1),
      ]),
    ).toHaveLength(1);
    expect(await endHolds(village.storage, until - 1)).toBe(0);
    expect(await endHolds(village.storage, until)).toBe(1);
    expect(await count(`SELECT count(*) AS n FROM clearing_share WHERE subject = '${subject(1)}'`)).toBe(0);
    // The village's own sum of the slot stays as it was.
    expect(await count("SELECT demand_wh AS n FROM clearing")).toBe(wh.imported);
  });

  it("leaves a quarter hour that is not settled out of the clearing", async () => {
    await village.tell("north", batch(told()));
    await ask([1, 2]);
    await clear(MIDNIGHT + 2 * SLOT);
    expect(await village.storage.query("SELECT slot, subject FROM clearing_share")).toEqual([
      { slot: MIDNIGHT + SLOT, subject: subject(2) },
    ]);
  });

  it("is answered once: the same again gets the same answer, and a later one says that nothing is held", async () => {
    await village.tell("north", batch(told()));
    const first = await ask([1, 2]);
    await village.clock.advance(DAY);
    expect(await ask([1, 2])).toEqual(first);
    expect((await ask([1, 99], MIDNIGHT + DAY)).parts).toEqual([{ outcome: "notHeld", releases: [1, 99] }]);
  });

  it("makes no gap, and what was deleted never comes back with a copy of an old message", async () => {
    await village.tell("north", batch(told()));
    await ask([1, 2, 4]);
    const { receipt, fresh } = await village.tell("north", batch(told()));
    expect([receipt.gaps, fresh]).toEqual([[], 0]);
    // Receipted, so that a gateway whose record was restored does not send it for ever.
    expect(receipt.received.map(({ sequence }) => sequence).toSorted()).toEqual([1, 2, 3, 4]);
    expect(await count("SELECT count(*) AS n FROM item")).toBe(1);
    expect(await count("SELECT count(*) AS n FROM energy_interval")).toBe(1);
    expect(
      (await village.tell("north", batch([item(6, energy(subject(2), MIDNIGHT, wh))]))).receipt.gaps,
    ).toEqual([[5, 5]]);
  });

  it("touches nothing of another gateway under the same numbers", async () => {
    await village.tell("south", batch(told()));
    expect((await ask([1, 2])).parts).toEqual([{ outcome: "notHeld", releases: [1, 2] }]);
    expect(await count("SELECT count(*) AS n FROM item")).toBe(4);
  });

  it.each<[string, (request: ErasureRequest) => ErasureRequest]>([
    ["with a number more than was signed", (one) => ({ ...one, releases: [...one.releases, 3] })],
    ["of another gateway", () => requestFor([1], MIDNIGHT, "south")],
    ["to another hub", (one) => ({ ...one, hub: "hub-2" })],
  ])("is refused %s, and nothing is deleted", async (_what, change) => {
    await village.tell("north", batch(told()));
    await expect(village.ask("north", change(requestFor([1])))).rejects.toMatchObject({
      code: "SIGNATURE_INVALID",
    });
    expect(await count("SELECT count(*) AS n FROM item")).toBe(4);
  });
});

/** What a group used, of which one is asked to be forgotten. */
const sum = (sequence: number) => ({
  ...{
    sequence,
    offer: "weekly-sum",
    purpose: "dpv:ScientificResearch",
    policyVersion: 1,
    retentionDays: 30,
  },
  summary: {
    ...{
      kind: "groupStatistic" as const,
      of: "energyInterval" as const,
      from: MIDNIGHT,
      to: MIDNIGHT + 7 * DAY,
    },
    ...{ value: 123_000, unit: "Wh" as const, members: 20 },
  },
});

it("cannot take one house out of a group's sum, says so, and keeps the sum", async () => {
  await village.tell("north", batch([...told(), sum(5)]));
  expect((await ask([1, 5])).parts).toEqual([
    { outcome: "deleted", releases: [1] },
    { outcome: "inseparable", releases: [5] },
  ]);
  expect(await count("SELECT count(*) AS n FROM item WHERE sequence = 5")).toBe(1);
  expect(await count("SELECT count(*) AS n FROM group_statistic")).toBe(1);
});

it("deletes by itself what may not be kept any longer, sums of groups too, and keeps what has no end", async () => {
  const told30 = village.clock.now() + 30 * DAY;
  const horizons = { backupDays: 30, settlementDays: 3650 };
  const [first, second, third] = told();
  if (!first || !second || !third) throw new Error("three items were told");
  await village.tell(
    "north",
    batch([{ ...first, retentionDays: 30 }, { ...second, retentionDays: 31 }, third, sum(4)]),
  );
  expect(await endRetention(village.storage, told30 - 1, horizons)).toBe(0);
  expect(await endRetention(village.storage, told30, horizons)).toBe(2);
  expect(await village.storage.query("SELECT sequence FROM item ORDER BY sequence")).toEqual([
    { sequence: 2 },
    { sequence: 3 },
  ]);
  expect(await count("SELECT count(*) AS n FROM energy_interval")).toBe(2);
  expect(await count("SELECT count(*) AS n FROM group_statistic")).toBe(0);
  // No gap, and a copy of the old message brings nothing back.
  const { receipt, fresh } = await village.tell("north", batch([{ ...first, retentionDays: 30 }]));
  expect([receipt.gaps, fresh]).toEqual([[], 0]);
});

describe("the files of the storage", () => {
  const filesWith = (folder: string, text: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
      const path = join(folder, name);
      return statSync(path).isFile() && readFileSync(path).includes(text);
    });

  it("hold no byte of what was deleted after they were cleaned, the storage's log included", async () => {
    await village.tell("north", batch(told()));
    await adviseOnFarmDays(village.storage, MIDNIGHT);
    expect(filesWith(village.folder, "4242.5")).not.toEqual([]);
    await ask([1, 2, 4]);
    expect(await purgeWhenDue(village.storage, MIDNIGHT)).toBe(true);
    for (const text of ["4242.5", subject(1)]) expect(filesWith(village.folder, text)).toEqual([]);
    expect(filesWith(village.folder, subject(2))).not.toEqual([]);
  });

  it("are cleaned at most once a day", async () => {
    await village.tell("north", batch(told()));
    await ask([1]);
    expect(await purgeWhenDue(village.storage, MIDNIGHT)).toBe(true);
    await ask([2], MIDNIGHT + 1);
    expect(await purgeWhenDue(village.storage, MIDNIGHT + DAY - 1)).toBe(false);
    expect(await purgeWhenDue(village.storage, MIDNIGHT + DAY)).toBe(true);
    expect(await purgeWhenDue(village.storage, MIDNIGHT + 3 * DAY)).toBe(false);
  });
});
