import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Answer } from "../../protocol/messages.ts";
import { batch, openVillage, subject, type Village } from "../../test/support/hub.ts";
import { addAnswers, ANSWERS_UNDER_WAY_MAX, openAnswerSender, type AnswerSender } from "./index.ts";

const SECOND = 1000;
const advice = (day: number): Answer => ({
  kind: "advice",
  subject: subject(1),
  day: `2026-01-${String((day % 28) + 1).padStart(2, "0")}`,
  model: "fao56-penman-monteith-daily",
  modelVersion: "1",
  unknownBecause: "a test",
  inputs: {},
  fallbacks: [],
});

let village: Village;
let sender: AnswerSender;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(async () => {
  await village.clear();
  sender = openAnswerSender(village.storage, village.clock);
});
afterAll(() => village[Symbol.asyncDispose]());

const write = (count: number) =>
  village.storage.transaction((tx) =>
    addAnswers(
      tx,
      "north",
      Array.from({ length: count }, (_, i) => advice(i)),
    ),
  );
const acknowledge = (answersThrough: number) => village.tell("north", batch([], { answersThrough }));
const due = async (because: "batch" | "news", gateway = "north") =>
  (await sender.due(gateway, because)).map(({ answers }) => answers.map(({ sequence }) => sequence));
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

it("numbers answers 1, 2, 3, … for each gateway and sends each once", async () => {
  await write(2);
  expect(await due("batch")).toEqual([[1, 2]]);
  await write(1);
  expect(await due("news")).toEqual([[3]]);
  expect(await due("batch")).toEqual([]);
  expect(await due("batch", "south")).toEqual([]);
});

it("sends again, on a batch, what was not acknowledged for more than ten seconds", async () => {
  await write(3);
  await due("batch");
  await village.clock.advance(10 * SECOND);
  expect(await due("batch")).toEqual([]);
  await village.clock.advance(1);
  expect(await due("news")).toEqual([]);
  expect(await due("batch")).toEqual([[1, 2, 3]]);
  expect(await due("batch")).toEqual([]);
});

it("gives a gateway that acknowledges some of them ten seconds more for the rest", async () => {
  await write(3);
  await due("batch");
  await village.clock.advance(11 * SECOND);
  await acknowledge(1);
  expect(await due("batch")).toEqual([]);
  await village.clock.advance(11 * SECOND);
  expect(await due("batch")).toEqual([[2, 3]]);
});

it("begins again with what is not acknowledged after a restart", async () => {
  await write(3);
  await due("batch");
  await acknowledge(2);
  sender = openAnswerSender(village.storage, village.clock);
  expect(await due("batch")).toEqual([[3]]);
});

it("sends in messages of 200, and never more than so many at once", async () => {
  await write(ANSWERS_UNDER_WAY_MAX + 5);
  const messages = await due("batch");
  expect(messages.map(({ length }) => length)).toEqual(Array.from({ length: 5 }, () => 200));
  expect(messages.flat()).toEqual(range(1, 1000));
  expect(await due("news")).toEqual([]);
  await acknowledge(1000);
  expect(await due("batch")).toEqual([range(1001, 1005)]);
});

it("believes no gateway that acknowledges more than was written", async () => {
  await write(1);
  await acknowledge(500);
  await write(1);
  expect(await due("batch")).toEqual([[2]]);
});
