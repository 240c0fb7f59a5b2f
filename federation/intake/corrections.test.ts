import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { outboxItem, type OutboxItem } from "../../protocol/messages.ts";
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
import { clearDueSlots } from "../trading/trading.ts";

const tariff = { currency: "KES", retail: 30_000, feedIn: 10_000 };
let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const first = (imported: number) => item(1, energy(subject(1), MIDNIGHT, { imported }));
const corrected = (sequence: number, version: number, imported: number): OutboxItem => ({
  ...item(sequence, energy(subject(1), MIDNIGHT, { imported })),
  version,
  corrects: sequence - 1,
});
const takenBack = (sequence: number, version: number): OutboxItem => ({
  ...item(sequence, { kind: "energyUnknown", subject: subject(1), start: MIDNIGHT }),
  version,
  corrects: sequence - 1,
});
const held = () => village.storage.query("SELECT import_wh, version, settled FROM energy_interval");
const corrections = () =>
  village.storage.query("SELECT sequence, version, import_wh, cleared FROM correction ORDER BY sequence");
const clear = () => clearDueSlots(village.storage, { tariff, now: village.clock.now() });

describe("a correction of a slot that is not cleared", () => {
  it("takes the place of what was told, and every version is kept", async () => {
    await village.tell("north", batch([first(100)]));
    await village.tell("north", batch([corrected(2, 2, 120), corrected(3, 3, 90)]));
    expect(await held()).toEqual([{ import_wh: 90, version: 3, settled: false }]);
    expect(await corrections()).toEqual([
      { sequence: 2, version: 2, import_wh: 120, cleared: false },
      { sequence: 3, version: 3, import_wh: 90, cleared: false },
    ]);
  });

  it("is the same when it comes again, and whatever the order", async () => {
    await village.tell("north", batch([corrected(3, 3, 90)]));
    await village.tell("north", batch([first(100), corrected(2, 2, 120)]));
    await village.tell("north", batch([corrected(3, 3, 90)]));
    expect(await held()).toEqual([{ import_wh: 90, version: 3, settled: false }]);
    expect(await corrections()).toHaveLength(2);
  });

  it("that takes a figure back leaves the member out of the clearing, until the figure is known again", async () => {
    await village.tell("north", batch([first(100), takenBack(2, 2)]));
    expect(await held()).toEqual([]);
    await village.tell("north", batch([corrected(3, 3, 80)], { completeThrough: MIDNIGHT + SLOT }));
    expect(await clear()).toBe(1);
    const shares = await village.storage.query("SELECT bought_wh FROM clearing_share");
    expect(shares).toEqual([{ bought_wh: 80 }]);
  });
});

describe("a correction of a slot that is cleared", () => {
  it("is kept and listed, and the clearing stays as it is", async () => {
    await village.tell("north", batch([first(100)], { completeThrough: MIDNIGHT + SLOT }));
    await clear();
    await village.tell("north", batch([corrected(2, 2, 500)]));
    expect(await clear()).toBe(0);
    expect(await held()).toEqual([{ import_wh: 100, version: 1, settled: true }]);
    expect(await corrections()).toEqual([{ sequence: 2, version: 2, import_wh: 500, cleared: true }]);
    expect(await village.storage.query("SELECT demand_wh FROM clearing")).toEqual([{ demand_wh: 100 }]);
    expect(village.logged.join()).toContain("kept and listed");
  });
});

describe("the message", () => {
  it("of a first telling is what it always was, without a version", () => {
    expect(outboxItem.parse(first(1))).toEqual(first(1));
    expect(Object.keys(first(1))).toEqual(["sequence", "offer", "purpose", "policyVersion", "summary"]);
  });
  it.each([{ version: 1 }, { version: 2.5 }, { corrects: 0 }])("refuses %j", (part) => {
    expect(outboxItem.safeParse({ ...first(1), ...part }).success).toBe(false);
  });
});
