import { describe, expect, it } from "vitest";
import { WEEK, NOON } from "../../test/consent/random-case.ts";
import {
  instant,
  memberId,
  rational,
  type CollectiveOffer,
  type OfferId,
  type PinnedConsent,
  type VotedPolicy,
} from "../model/index.ts";
import { emptyLedger, spend, spentBy } from "./budget.ts";
import { decide, type Question } from "./decide.ts";
import type { GuardState } from "./guard.ts";
import { discreteLaplace } from "./noise.ts";

/** What JSON cannot say: noise, what was spent, what was released. The rest is in docs/policy-cases.md. */
const half = rational(1n, 2n);
const ids = ["m1", "m2", "m3"].map(memberId);
const offer: CollectiveOffer = {
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
  window: { from: instant(0), to: instant(NOON) },
  unit: "Wh",
  expires: instant(NOON + 1),
  group: { leastMembers: 2, largestSharePercent: 50 },
  recipientKnowsTotal: false,
  clamp: 100,
  round: 1,
};
const use = { purpose: offer.purpose, recipient: offer.recipient, epsilon: half };
const policy: VotedPolicy = {
  version: 2,
  hash: "h",
  previous: "g",
  effective: instant(0),
  sunset: instant(NOON + 1),
  offers: [offer],
  prohibitions: [],
  epsilonCaps: { eachPurposeAndRecipient: rational(1n), inAll: rational(1n) },
};
const consents = ids.map((member): PinnedConsent => ({
  member,
  offer: offer.id,
  purpose: offer.purpose,
  recipient: offer.recipient,
  policyVersion: 2,
  policyHash: "h",
  given: instant(0),
  expires: instant(NOON + 1),
  limits: {},
}));
/** Bytes that repeat, so that the sampler is replayed from the same ones. */
const bytes = () => {
  let at = 0;
  return (count: number) => Uint8Array.from({ length: count }, () => (at = (at * 73 + 89) & 0xff));
};
const members = ids.map((id) => ({ id, value: 40 }));
const exact: Question = {
  now: NOON,
  clockTrusted: true,
  policy,
  consents,
  ledger: emptyLedger,
  guard: "nothing",
  request: { offer: "sum", window: WEEK, members },
};
const noisy: Question = {
  ...exact,
  policy: { ...policy, offers: [{ ...offer, noise: { epsilon: half } }] },
  bytes: bytes(),
};

describe("a sum with noise", () => {
  it("is the sum and one draw of scale clamp / epsilon", () => {
    const decision = decide({ ...noisy, bytes: bytes() });
    expect(decision).toMatchObject({
      kind: "release",
      value: 120 + Number(discreteLaplace(rational(200n), bytes())),
    });
  });

  it("spends the epsilon of every member in it, before it is given out", () => {
    const decision = decide(noisy);
    if (decision.kind === "deny" || !decision.ledger) throw new Error("no ledger");
    expect(ids.map((id) => spentBy(decision.ledger ?? emptyLedger, id, use).inAll)).toEqual([
      half,
      half,
      half,
    ]);
  });

  it("leaves out who has spent theirs, and the others stay", () => {
    const ledger = spend(emptyLedger, [memberId("m2")], {
      ...use,
      recipient: "university",
      epsilon: rational(3n, 4n),
    });
    expect(decide({ ...noisy, ledger })).toMatchObject({ members: ["m1", "m3"] });
  });

  it.each<[string, Partial<Question>, string]>([
    ["without bytes", { bytes: undefined as never }, "noRandomness"],
    [
      "with too few bytes",
      {
        bytes: () => {
          throw new RangeError("used up");
        },
      },
      "noRandomness",
    ],
    [
      "where nobody can pay",
      { ledger: spend(emptyLedger, ids, { ...use, epsilon: rational(1n) }) },
      "groupTooSmall",
    ],
  ])("is denied %s", (_when, change, because) => {
    expect(decide({ ...noisy, ...change })).toEqual({ kind: "deny", because });
  });

  it("is not suppressed for one large home: the clamp bounds it", () => {
    const request = {
      ...exact.request,
      members: members.map((one, i) => ({ ...one, value: i === 0 ? 5_000 : 1 })),
    };
    expect(decide({ ...exact, request })).toEqual({ kind: "deny", because: "dominantMember" });
    expect(decide({ ...noisy, request }).kind).toBe("release");
  });
});

describe("what was released before", () => {
  const guard: GuardState = {
    epoch: { from: instant(0), to: NOON },
    blocks: [ids],
    revoked: [],
    releases: [],
  };
  const past = { offer: offer.id, window: WEEK, members: ids, leastMembers: 2 };

  it("does not hinder the first release", () => {
    expect(decide({ ...exact, guard })).toEqual({ kind: "release", offer: "sum", members: ids, value: 120 });
  });

  it.each<[string, GuardState, string]>([
    ["the same window", { ...guard, releases: [past] }, "alreadyReleased"],
    ["a revocation", { ...guard, revoked: [memberId("m1")] }, "memberRevoked"],
    ["a block that lacks somebody", { ...guard, blocks: [[...ids, memberId("m4")]] }, "cohortNotFrozen"],
  ])("hinders %s", (_what, state, because) => {
    expect(decide({ ...exact, guard: state })).toEqual({ kind: "deny", because });
  });
});

describe("what cannot be", () => {
  it.each<[string, unknown]>([
    ["no consents at all", { consents: null }],
    ["no request", { request: undefined }],
    ["no word of what was released", { guard: undefined }],
    ["no word of what was spent", { policy: noisy.policy, bytes: bytes(), ledger: undefined }],
    ["a policy that is a word", { policy: "yes" }],
    ["an offer without a clamp", { policy: { ...policy, offers: [{ ...offer, clamp: undefined }] } }],
    ["a clamp that is no number", { policy: { ...policy, offers: [{ ...offer, clamp: Number.NaN }] } }],
    ["a step of nothing", { policy: { ...policy, offers: [{ ...offer, round: 0 }] } }],
    ["a time that is no number", { now: Number.NaN }],
    ["a clock that is almost trusted", { clockTrusted: 1 }],
    ["a value with a fraction", { request: { ...exact.request, members: [{ id: "m1", value: 0.5 }] } }],
    ["two offers of one id", { policy: { ...policy, offers: [offer, offer] } }],
    ["a member named twice", { request: { ...exact.request, members: [...members, members[0]] } }],
    ["limits that are none", { consents: consents.map((one) => ({ ...one, limits: null })) }],
  ])("is denied, never thrown: %s", (_what, change) => {
    expect(decide({ ...exact, ...(change as Partial<Question>) }).kind).toBe("deny");
  });
});
