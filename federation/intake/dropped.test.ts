import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
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
import type { DroppedRanges } from "../../protocol/messages.ts";

/** What a gateway took back before it left; expectations by hand from issue 5, section 3. */
let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const items = (...sequences: number[]) =>
  sequences.map((n) => item(n, energy(subject(1), MIDNIGHT + n * SLOT, { imported: 100 + n })));
const tell = (sequences: readonly number[], dropped?: DroppedRanges, more: object = {}) =>
  village.tell("north", { ...batch(items(...sequences)), ...(dropped && { dropped }), ...more });

it("misses what did not come, and no longer once it is told that it was dropped", async () => {
  expect((await tell([1, 2, 6])).receipt.gaps).toEqual([[3, 5]]);
  const { receipt } = await tell([], [[3, 4]]);
  expect(receipt).toMatchObject({ gaps: [[5, 5]], dropped: [[3, 4]] });
  expect((await tell([5])).receipt.gaps).toEqual([]);
  expect((await tell([7])).receipt.gaps).toEqual([]);
});

it.each<[string, readonly number[], DroppedRanges, readonly (readonly number[])[]]>([
  ["at the beginning", [3], [[1, 2]], []],
  ["at the end", [1], [[2, 9]], []],
  [
    "that overlap",
    [1, 10],
    [
      [2, 6],
      [4, 9],
    ],
    [],
  ],
  [
    "with a gap between them",
    [1, 10],
    [
      [2, 3],
      [6, 9],
    ],
    [[4, 5]],
  ],
  ["over what is held", [1, 2, 3, 5], [[2, 4]], []],
])("counts ranges %s", async (_what, held, dropped, gaps) => {
  expect((await tell(held, dropped)).receipt.gaps).toEqual(gaps);
});

it("knows of the next gap after a range that was dropped", async () => {
  await tell([1, 2], [[3, 8]]);
  expect((await tell([11])).receipt.gaps).toEqual([[9, 10]]);
});

it("hears the same twice without harm, and of one gateway only", async () => {
  await tell([1, 4], [[2, 3]]);
  expect((await tell([1, 4], [[2, 3]])).receipt.gaps).toEqual([]);
  expect((await village.tell("south", batch(items(1, 4)))).receipt.gaps).toEqual([[2, 3]]);
});

it("leaves what was dropped out of the list of what it holds, and keeps what it holds already", async () => {
  await tell([1, 2]);
  const { list } = await tell([4], [[2, 3]], { list: 1 });
  expect(list?.held.map(({ sequence }) => sequence)).toEqual([1, 2, 4]);
});
