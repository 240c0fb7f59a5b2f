import { expect, it } from "vitest";
import type { WatchedLog, WitnessState } from "../forward/witness-state.ts";
import { formatFor } from "./format.ts";
import { messages } from "./messages.ts";
import { witnessStateCard } from "./witness-card.ts";

const TIME = Date.UTC(2026, 5, 15, 12);
const speech = { language: "en" as const, t: messages.en, f: formatFor("en", "UTC") };
const cardOf = async (
  states: readonly WitnessState[],
  watched: readonly WatchedLog[] = [],
): Promise<string> => String(await witnessStateCard({ states, watched }, speech)).replace(/\s+/g, " ");
const hub: WitnessState = { name: "federation", size: 1_200, of: 1_200, heard: TIME };
const log: WatchedLog = { origin: "fieldwatt/kibwezi/egress", size: 7, seen: TIME, evidence: [] };

it.each<[string, Partial<WitnessState>, string]>([
  ["that has signed everything", {}, "federation has signed all 1,200 releases."],
  ["that is behind", { size: 1_100 }, "federation has signed 1,100 of 1,200 releases."],
  ["of a log that is empty", { size: 0, of: 0 }, "federation: nothing has left yet."],
  [
    "that refuses, with its words as text",
    { refusal: { because: "<b>two heads</b>", since: TIME } },
    "federation does NOT sign the log, since 15 Jun, 12:00: &lt;b&gt;two heads&lt;/b&gt;.",
  ],
])("tells of a witness %s", async (_what, state, words) => {
  expect(await cardOf([{ ...hub, ...state }])).toContain(words);
});

it("tells of the logs that are watched here, and apart what is proven and what is doubted", async () => {
  const evidence = (proven: boolean) => ({ because: "x", size: 9, proven, seen: TIME });
  expect(await cardOf([], [log])).toContain("This gateway watches fieldwatt/kibwezi/egress: 7 releases");
  expect(await cardOf([], [{ ...log, evidence: [evidence(true)] }])).toContain(
    "CONTRADICTS itself at 9 releases",
  );
  expect(await cardOf([], [{ ...log, evidence: [evidence(false)] }])).toContain(
    "came without a proof that holds",
  );
});

it("is not there where nobody watches and nothing is watched", async () => {
  expect(await cardOf([])).toBe("");
});
