import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { batch, openVillage, type Village } from "../../test/support/hub.ts";
import type { OutboxItem } from "../../protocol/messages.ts";
import { readStatistics, statisticsCard } from "./statistics.ts";

/** What becomes of a sum over a group at the hub. */
let village: Village;
beforeAll(async () => {
  village = await openVillage(["north"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const [MONDAY, WEEK] = [Date.UTC(2026, 5, 15), 7 * 86_400_000];
const sum = (sequence: number, rest: object): OutboxItem => ({
  ...{ sequence, offer: "weekly-sum", purpose: "dpv:ScientificResearch", policyVersion: 1 },
  summary: {
    ...{ kind: "groupStatistic", of: "energyInterval", from: MONDAY, to: MONDAY + WEEK },
    ...{ value: 120_000, unit: "Wh", ...rest },
  },
});
const cardOf = async (): Promise<string> =>
  String(await statisticsCard(await readStatistics(village.storage))).replace(/\s+/g, " ");

it("is kept, and shown with its window and how many are in it", async () => {
  await village.tell("north", batch([sum(1, { members: 16 })]));
  const card = await cardOf();
  for (const words of ["north", "weekly-sum", "2026-06-15 00:00", "120000 Wh", "16 members, exact"])
    expect(card).toContain(words);
});

it.each([
  ["noise may take it below zero", { value: -40, epsilon: "1/2" }, "with noise, epsilon 1/2", "-40 Wh"],
  [
    "rain is said in millimetres",
    { of: "farmDay", unit: "0.1 mm", value: 1234, members: 7 },
    "farms",
    "123.4 mm",
  ],
])("is shown as what it is: %s", async (_what, rest, words, figure) => {
  await village.tell("north", batch([sum(1, rest)]));
  expect(await cardOf()).toContain(words);
  expect(await cardOf()).toContain(figure);
});

it("stays as it was first told, when the gateway tells another of the same window", async () => {
  await village.tell("north", batch([sum(1, { members: 16 })]));
  await village.tell("north", batch([sum(2, { members: 15, value: 112_000 })]));
  expect(await readStatistics(village.storage)).toMatchObject([{ value: 120_000, members: 16 }]);
});
