import { describe, expect, it } from "vitest";
import { instant, type VotedPolicy } from "../model/index.ts";
import { chainFault, policyInForce } from "./chain.ts";

const DAY = 86_400_000;
const version = (n: number, change: Partial<VotedPolicy> = {}): VotedPolicy => ({
  version: n,
  hash: `hash ${n}`,
  previous: n === 1 ? null : `hash ${n - 1}`,
  effective: instant(n * 100 * DAY),
  sunset: instant(n * 100 * DAY + 300 * DAY),
  offers: [],
  prohibitions: [],
  ...change,
});
const chain = [version(1), version(2), version(3)];

describe("a chain of versions", () => {
  it.each<[string, VotedPolicy[], string | undefined]>([
    ["is whole when each names the one before", chain, undefined],
    ["may begin later", chain.slice(1), undefined],
    ["begins with a version 1 that names none", [version(1, { previous: "x" })], "firstHasPrevious"],
    ["leaves no version out", [version(1), version(3)], "versionSkipped"],
    ["does not turn back", [version(2), version(1)], "versionSkipped"],
    [
      "breaks where one was changed afterwards",
      [version(1, { hash: "other" }), version(2)],
      "previousMismatch",
    ],
    ["has no version of more than a year", [version(1, { sunset: instant(500 * DAY) })], "termTooLong"],
    ["has no version that ends before it begins", [version(1, { sunset: instant(99 * DAY) })], "termEmpty"],
  ])("%s", (_what, versions, because) => {
    expect(chainFault(versions)?.because).toBe(because);
  });
});

describe("the policy in force", () => {
  it.each<[string, number, number | undefined]>([
    ["is none before the first", 99, undefined],
    ["begins on its day", 100, 1],
    ["gives way on the day of the next", 200, 2],
    ["is the newest", 599, 3],
    ["is none after its sunset, nor an older one", 600, undefined],
  ])("%s", (_what, day, expected) => {
    expect(policyInForce(chain, instant(day * DAY))?.version).toBe(expected);
  });

  it("is none where the chain is broken", () => {
    expect(policyInForce([version(1), version(3)], instant(310 * DAY))).toBeUndefined();
  });

  it("is not an older one where the newest had a short term", () => {
    const short = [version(1), version(2, { sunset: instant(210 * DAY) })];
    expect(policyInForce(short, instant(220 * DAY))).toBeUndefined();
  });
});
