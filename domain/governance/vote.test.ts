import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instant, memberId, rationalFromText } from "../model/index.ts";
import {
  CHOICES,
  DEFAULT_RULE,
  leastOf,
  paperState,
  tallyOf,
  voteFault,
  type Ballot,
  type Choice,
  type PaperEntry,
} from "./vote.ts";

const closes = instant(1_000);
const ballot = (member: string, choice: Choice, cast = 1): Ballot => ({
  member: memberId(member),
  choice,
  cast: instant(cast),
});
const electorate = ["ann", "ben", "cai"].map(memberId);

describe("a tally", () => {
  it.each<[string, Ballot[], [number, number, number]]>([
    ["counts nobody who said nothing", [], [0, 0, 0]],
    ["counts each choice", [ballot("ann", "yes"), ballot("ben", "no"), ballot("cai", "abstain")], [1, 1, 1]],
    ["counts the last word only", [ballot("ann", "yes"), ballot("ann", "no")], [0, 1, 0]],
    ["counts nothing from the close on", [ballot("ann", "yes"), ballot("ann", "no", 1_000)], [1, 0, 0]],
    ["counts nobody who is not of the electorate", [ballot("eve", "yes")], [0, 0, 0]],
  ])("%s", (_what, ballots, [yes, no, abstain]) => {
    expect(tallyOf(ballots, { electorate, closes })).toEqual({ electorate: 3, yes, no, abstain });
  });
});

describe("the default rule", () => {
  const tally = (yes: number, no: number, abstain = 0) => ({ electorate: 30, yes, no, abstain });
  it.each([
    ["a third of the electorate is enough", tally(10, 0), "tighten", undefined],
    ["one less is not", tally(9, 0), "tighten", "quorumNotMet"],
    ["to abstain is to vote", tally(1, 0, 9), "tighten", undefined],
    ["tightening takes more than half", tally(5, 5), "tighten", "majorityNotMet"],
    ["tightening takes one more than half", tally(6, 5), "tighten", undefined],
    ["renewing the same takes what tightening takes", tally(6, 5), "same", undefined],
    ["loosening takes two thirds", tally(8, 4), "loosen", undefined],
    ["loosening does not pass with less", tally(15, 8), "loosen", "majorityNotMet"],
    ["mixed takes what loosening takes", tally(15, 8), "mixed", "majorityNotMet"],
    ["nobody for it is no majority", tally(0, 0, 30), "tighten", "majorityNotMet"],
    ["more votes than voters cannot be", tally(20, 11), "tighten", "tallyImpossible"],
    ["a half vote cannot be", tally(20.5, 1), "tighten", "tallyImpossible"],
    ["less than nobody cannot be", tally(20, -1), "tighten", "tallyImpossible"],
    ["an electorate of nobody cannot be", { ...tally(0, 0), electorate: 0 }, "tighten", "tallyImpossible"],
  ] as const)("%s", (_what, votes, label, fault) => {
    expect(voteFault(votes, DEFAULT_RULE, label)).toBe(fault);
  });

  it.each([
    [30, "1/3", 10],
    [31, "1/3", 11],
    [12, "2/3", 8],
    [3, "1", 3],
  ])("of %i, %s is at least %i", (whole, part, least) => {
    expect(leastOf(whole, rationalFromText(part))).toBe(least);
  });
});

describe("any vote", () => {
  const votes = fc.array(
    fc.record({
      member: fc.constantFrom("ann", "ben", "cai", "eve").map(memberId),
      choice: fc.constantFrom(...CHOICES),
      cast: fc.integer({ min: 0, max: 1_500 }).map(instant),
    }),
    { maxLength: 8 },
  );
  const tallies = fc
    .tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20))
    .map(([yes, no, abstain, silent]) => ({ electorate: yes + no + abstain + silent, yes, no, abstain }));

  it("counts nobody twice, and nothing that came after the close changes it", () => {
    fc.assert(
      fc.property(votes, (ballots) => {
        const all = tallyOf(ballots, { electorate, closes });
        const inTime = tallyOf(
          ballots.filter(({ cast }) => cast < closes),
          { electorate, closes },
        );
        return all.yes + all.no + all.abstain <= 3 && JSON.stringify(all) === JSON.stringify(inTime);
      }),
      { numRuns: 20_000 },
    );
  });

  it("that loosens with success would also have tightened, and one yes more for a no never hurts", () => {
    fc.assert(
      fc.property(tallies, (tally) => {
        const loosens = voteFault(tally, DEFAULT_RULE, "loosen");
        if (loosens !== undefined) return true;
        if (voteFault(tally, DEFAULT_RULE, "tighten") !== undefined) return false;
        const more = { ...tally, yes: tally.yes + Math.sign(tally.no), no: Math.max(0, tally.no - 1) };
        return voteFault(more, DEFAULT_RULE, "loosen") === undefined;
      }),
      { numRuns: 100_000 },
    );
  });
});

describe("paper", () => {
  const read = (teller: string, choice: Choice): PaperEntry => ({ member: memberId("ann"), teller, choice });
  it.each<[string, PaperEntry[], ReturnType<typeof paperState>]>([
    ["is none before anybody read it", [], { kind: "none" }],
    ["waits for the second teller", [read("t1", "yes")], { kind: "waits", for: "secondTeller" }],
    [
      "does not count when one teller reads it twice",
      [read("t1", "yes"), read("t1", "yes")],
      { kind: "waits", for: "secondTeller" },
    ],
    [
      "counts when two read the same",
      [read("t1", "yes"), read("t2", "yes")],
      { kind: "counts", choice: "yes", tellers: ["t1", "t2"] },
    ],
    ["waits where they differ", [read("t1", "yes"), read("t2", "no")], { kind: "waits", for: "sameReading" }],
    [
      "counts once one of them has looked again",
      [read("t1", "yes"), read("t2", "no"), read("t1", "no")],
      { kind: "counts", choice: "no", tellers: ["t2", "t1"] },
    ],
  ])("%s", (_what, entries, state) => {
    expect(paperState(entries)).toEqual(state);
  });
});
