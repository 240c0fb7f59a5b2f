import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openVillage, type Village } from "../../test/support/hub.ts";
import { logsCard, readLogs } from "./logs.ts";

/** What the hub's page says of the logs that it witnesses. */
let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const NOON = Date.UTC(2026, 5, 15, 12);
const signed = (size: number, epoch = 1) =>
  village.storage.query(
    "INSERT INTO log_head (gateway, size, root, head, seen, epoch) VALUES ('north', $1, 'r', 'h', $2, $3)",
    [size, NOON, epoch],
  );
const against = (because: string) =>
  village.storage.query(
    "INSERT INTO log_contradiction (gateway, seen, head, because) VALUES ('north', $1, $2, $3)",
    [NOON, `head <of> ${because}`, because],
  );
const cardOf = async (): Promise<string> =>
  String(await logsCard(await readLogs(village.storage))).replace(/\s+/g, " ");
const rowOf = async (gateway: string): Promise<string> =>
  (await cardOf()).split(`data-log="${gateway}"`)[1]?.split("</tr>")[0] ?? "";

it("says of each gateway how far its log was signed", async () => {
  await signed(42);
  expect(await rowOf("north")).toMatch(/42.*2026-06-15 12:00.*Yes/);
  expect(await rowOf("south")).toMatch(/none yet.*nothing to compare yet/);
});

it("says of a log that contradicts in plain words that it does, and shows the signed evidence as text", async () => {
  await signed(42);
  await against("the log had 42 leaves and now has 7");
  expect(await rowOf("north")).toContain("No: see below");
  const card = await cardOf();
  expect(card).toContain("north showed a log that contradicts what this hub had signed:");
  expect(card).toContain("the log had 42 leaves and now has 7.");
  expect(card).toContain("head &lt;of&gt;");
});

it("says of a log that was begun anew after a backup that it was, and calls it no contradiction", async () => {
  await signed(42);
  await signed(3, 2);
  await against("epoch 2 of the log began; the one before ended here at 42 leaves");
  expect(await rowOf("north")).toMatch(/3.*Yes/);
  expect(await cardOf()).toContain("north began its log anew");
});
