import { describe, expect, it } from "vitest";
import {
  dice,
  forSeeds,
  NOON,
  prohibition,
  randomPolicy,
  randomQuestion,
  type Dice,
} from "../../test/consent/random-case.ts";
import {
  instant,
  rational,
  type CollectiveOffer,
  type OfferId,
  type VotedOffer,
  type VotedPolicy,
} from "../model/index.ts";
import { comparePolicies, labelOf, type Effect } from "./compare.ts";
import { decide } from "./decide.ts";

const sum: CollectiveOffer = {
  lane: "collective",
  id: "sum" as OfferId,
  title: "Sum",
  kind: "energyInterval",
  purpose: "dpv:ServiceProvision",
  recipient: "hub",
  recipientKey: "k",
  retentionDays: 90,
  granularity: "week",
  utcOffsetMinutes: 0,
  window: { from: instant(1_000), to: instant(9_000) },
  unit: "Wh",
  expires: instant(9_000),
  group: { leastMembers: 15, largestSharePercent: 15 },
  recipientKnowsTotal: false,
  clamp: 1_000,
  round: 100,
};
const policy = (...offers: VotedOffer[]): VotedPolicy => ({
  version: 1,
  hash: "h",
  previous: null,
  effective: instant(0),
  sunset: instant(9_000),
  offers,
  prohibitions: [],
});
const span = (from: number, to: number) => ({ from: instant(from), to: instant(to) });
const epsilon = (n: bigint, d: bigint) => ({ noise: { epsilon: rational(n, d) } });
const {
  lane: _lane,
  group: _group,
  recipientKnowsTotal: _total,
  clamp: _clamp,
  round: _round,
  ...terms
} = sum;

describe("the label of a change", () => {
  it.each<[string, Partial<CollectiveOffer>, Effect]>([
    ["nothing", {}, "same"],
    ["the title", { title: "Total" }, "same"],
    ["fewer days to keep it", { retentionDays: 30 }, "tighten"],
    ["more days to keep it", { retentionDays: 91 }, "loosen"],
    ["an earlier end", { expires: instant(8_000) }, "tighten"],
    ["a shorter time that it is about", { window: span(2_000, 9_000) }, "tighten"],
    ["a longer one", { window: span(1_000, 9_500) }, "loosen"],
    ["one that moved", { window: span(2_000, 9_500) }, "mixed"],
    ["a larger group", { group: { leastMembers: 16, largestSharePercent: 15 } }, "tighten"],
    ["a larger share", { group: { leastMembers: 15, largestSharePercent: 16 } }, "loosen"],
    ["a larger group and a larger share", { group: { leastMembers: 16, largestSharePercent: 16 } }, "mixed"],
    ["a recipient who knows the total", { recipientKnowsTotal: true }, "tighten"],
    ["a coarser step that contains the old one", { round: 300 }, "tighten"],
    ["a coarser step that does not", { round: 150 }, "mixed"],
    ["a finer step", { round: 50 }, "loosen"],
    ["a higher clamp", { clamp: 2_000 }, "loosen"],
    ["a lower clamp, under which a suppressed sum may appear", { clamp: 500 }, "mixed"],
    ["noise where there was none", epsilon(1n, 1n), "mixed"],
    ["a coarser grid, whose windows are new", { granularity: "month" }, "mixed"],
    ["another recipient", { recipient: "university" }, "mixed"],
    ["another key", { recipientKey: "l" }, "mixed"],
    ["another purpose", { purpose: "dpv:Marketing" }, "mixed"],
  ])("of %s", (_what, change, label) => {
    expect(labelOf(comparePolicies(policy(sum), policy({ ...sum, ...change })))).toBe(label);
  });

  it.each<[string, VotedPolicy, VotedPolicy, Effect]>([
    ["a new offer", policy(), policy(sum), "loosen"],
    ["an offer less", policy(sum), policy(), "tighten"],
    ["another lane", policy(sum), policy({ ...terms, lane: "ownAccount" }), "mixed"],
    [
      "more epsilon",
      policy({ ...sum, ...epsilon(1n, 2n) }),
      policy({ ...sum, ...epsilon(1n, 1n) }),
      "loosen",
    ],
    [
      "less epsilon",
      policy({ ...sum, ...epsilon(1n, 2n) }),
      policy({ ...sum, ...epsilon(1n, 3n) }),
      "tighten",
    ],
    ["noise no more", policy({ ...sum, ...epsilon(1n, 2n) }), policy(sum), "loosen"],
    ["a prohibition more", policy(sum), { ...policy(sum), prohibitions: [{ kind: "farmDay" }] }, "tighten"],
    ["a prohibition less", { ...policy(sum), prohibitions: [{ kind: "farmDay" }] }, policy(sum), "loosen"],
    [
      "offers in another order",
      policy(sum, { ...sum, id: "b" as OfferId }),
      policy({ ...sum, id: "b" as OfferId }, sum),
      "same",
    ],
    ["the next term", policy(sum), { ...policy(sum), version: 2, sunset: instant(99_000) }, "same"],
    [
      "a budget where there was none",
      policy(sum),
      { ...policy(sum), epsilonCaps: { eachPurposeAndRecipient: rational(1n), inAll: rational(1n) } },
      "loosen",
    ],
  ])("of %s", (_what, before, after, label) => {
    expect(labelOf(comparePolicies(before, after))).toBe(label);
  });

  it("says what moved", () => {
    expect(comparePolicies(policy(sum), policy({ ...sum, round: 300 }))).toEqual([
      { of: "sum", field: "round", effect: "tighten", before: "100", after: "300" },
    ]);
  });
});

/** The policy with some fields moved, more often to the stricter side. */
function moved(before: VotedPolicy, d: Dice): VotedPolicy {
  const other = randomPolicy(d);
  const offers = before.offers.flatMap((one): VotedOffer[] => {
    if (d.once(12)) return [];
    const next = { ...one, retentionDays: d.once(3) ? d.pick([30, 90] as const) : one.retentionDays };
    if (next.lane === "ownAccount")
      return [d.once(6) ? { ...next, expires: instant(next.expires - 86_400_000) } : next];
    return [
      {
        ...next,
        group: {
          leastMembers: next.group.leastMembers + (d.once(3) ? 1 : 0),
          largestSharePercent: d.once(3) ? d.pick([40, 60, 100] as const) : next.group.largestSharePercent,
        },
        recipientKnowsTotal: d.once(4) || next.recipientKnowsTotal,
        clamp: d.once(8) ? d.pick([50, 100, 1000] as const) : next.clamp,
        round: next.round * (d.once(3) ? 1 + d.roll(3) : 1),
      },
    ];
  });
  const added = other.offers
    .filter(() => d.once(20))
    .filter(({ id }) => !offers.some((one) => one.id === id));
  return {
    ...before,
    offers: [...offers, ...added],
    prohibitions: [...before.prohibitions.filter(() => !d.once(8)), ...(d.once(6) ? [prohibition(d)] : [])],
  };
}

describe("a policy that is labelled tighten", () => {
  it(
    "releases nobody in any case whom the old one did not release, with the same yes to the whole offer",
    { timeout: 300_000 },
    () => {
      const seen = { tighten: 0, released: 0 };
      forSeeds(100_000, (d) => {
        const asked = randomQuestion(d);
        if (!asked.policy) return;
        const after = moved(asked.policy, d);
        if (labelOf(comparePolicies(asked.policy, after)) !== "tighten") return;
        seen.tighten += 1;
        const question = {
          ...asked,
          now: NOON,
          consents: asked.consents.map((one) => ({ ...one, limits: {} })),
        };
        const next = decide({ ...question, policy: after });
        if (next.kind === "deny") return;
        seen.released += 1;
        const was = decide(question);
        if (was.kind === "deny") throw new Error(`${next.members} where it was ${was.because}`);
        if (!new Set(next.members).isSubsetOf(new Set(was.members)))
          throw new Error(`${next.members} where it was ${was.members}`);
      });
      expect(seen.tighten).toBeGreaterThan(10_000);
      expect(seen.released).toBeGreaterThan(1_000);
    },
  );

  it("is labelled from the changes alone: a policy is the same as itself", () => {
    const one = randomPolicy(dice(1));
    expect(comparePolicies(one, one)).toEqual([]);
  });
});
