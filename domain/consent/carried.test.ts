import { describe, expect, it } from "vitest";
import {
  forSeeds,
  NOON,
  randomConsent,
  randomPolicy,
  WEEK,
  type Dice,
} from "../../test/consent/random-case.ts";
import {
  instant,
  memberId,
  rational,
  type CollectiveOffer,
  type OfferId,
  type PinnedConsent,
  type VotedPolicy,
} from "../model/index.ts";
import { standingIn } from "./asked.ts";
import { carryOver } from "./carried.ts";

/** Expected outcomes by hand from issue 5, section 2: "loosening never widens a consent that exists". */
const [member, id] = [memberId("house-01"), "weekly-sum" as OfferId];
const offer: CollectiveOffer = {
  ...{ id, title: "Weekly sum", lane: "collective", kind: "energyInterval", unit: "Wh" },
  ...{ purpose: "dpv:ScientificResearch", recipient: "university", recipientKey: "k", retentionDays: 90 },
  ...{ granularity: "week", utcOffsetMinutes: 0, expires: instant(800) },
  window: { from: instant(0), to: instant(1_000) },
  ...{ group: { leastMembers: 15, largestSharePercent: 15 }, recipientKnowsTotal: false },
  ...{ clamp: 100_000, round: 10_000, noise: { epsilon: rational(1n) } },
};
const caps = { eachPurposeAndRecipient: rational(4n), inAll: rational(4n) };
const first: VotedPolicy = {
  ...{ version: 1, hash: "one", previous: null, effective: instant(0), sunset: instant(900) },
  ...{ offers: [offer], prohibitions: [], epsilonCaps: caps },
};
const yes: PinnedConsent = {
  ...{ member, offer: id, purpose: offer.purpose, recipient: offer.recipient, limits: {} },
  ...{ policyVersion: 1, policyHash: "one", given: instant(10), expires: instant(700) },
};

function carried(
  changed: Partial<CollectiveOffer>,
  {
    policy = {},
    before = {},
    consent = {},
  }: {
    policy?: Partial<VotedPolicy>;
    before?: Partial<VotedPolicy>;
    consent?: Partial<PinnedConsent>;
  } = {},
): PinnedConsent | undefined {
  const second = {
    ...{ ...first, version: 2, hash: "two", previous: "one", offers: [{ ...offer, ...changed }] },
    ...policy,
  };
  const earlier = (hash: string) => (hash === "one" ? { ...first, ...before } : undefined);
  return carryOver([{ ...yes, ...consent }], { policy: second, earlier })[0];
}

describe("a yes under a new version of the policy", () => {
  it.each<[string, Partial<CollectiveOffer>]>([
    ["the offer is the same", {}],
    ["only its title is another", { title: "The week's sum" }],
    ["they may keep it for less long", { retentionDays: 30 }],
    ["the group must be larger", { group: { leastMembers: 20, largestSharePercent: 15 } }],
    ["it is rounded to a multiple", { round: 20_000 }],
    ["there is more noise", { noise: { epsilon: rational(1n, 2n) } }],
  ])("holds where %s", (_what, changed) => {
    expect(carried(changed)).toMatchObject({ policyHash: "two", policyVersion: 2 });
  });

  it.each<[string, Partial<CollectiveOffer>, Parameters<typeof carried>[1]?]>([
    ["they may keep it for longer", { retentionDays: 91 }],
    ["the group may be smaller", { group: { leastMembers: 14, largestSharePercent: 15 } }],
    ["one may have more of the sum", { group: { leastMembers: 15, largestSharePercent: 16 } }],
    ["each counts for more", { clamp: 200_000 }],
    ["it is rounded finer", { round: 5_000 }],
    ["there is less noise", { noise: { epsilon: rational(2n) } }],
    ["it is of finer steps", { granularity: "day" }],
    ["the recipient is another", { recipient: "company" }],
    ["the recipient's key is another", { recipientKey: "l" }],
    ["the purpose is another", { purpose: "dpv:Marketing" }],
    ["it is about something else", { kind: "farmDay" }],
    ["the offer is gone", { id: "daily-sum" as OfferId }],
    ["each may spend more in all", {}, { policy: { epsilonCaps: { ...caps, inAll: rational(5n) } } }],
    ["a prohibition of it was lifted", {}, { before: { prohibitions: [{ recipient: "university" }] } }],
    ["its own policy is not known", {}, { consent: { policyHash: "" } }],
    ["the version is one before its own", {}, { policy: { version: 1 } }],
  ])("is asked for again where %s", (_what, changed, rest) => {
    expect(carried(changed, rest)?.policyHash).not.toBe("two");
  });

  it("keeps its own ends where the offer lasts longer and is about more time", () => {
    const longer = { expires: instant(2_000), window: { from: instant(-500), to: instant(5_000) } };
    const late = carried(longer, { consent: { expires: instant(850) } });
    expect(late).toMatchObject({ expires: 800, limits: { window: { from: 0, to: 1_000 } } });
  });
});

/** Random pairs of policies: what stands under the new one has stood under the words that were agreed to. */
describe("carried over, nobody stands to more than what they agreed to", () => {
  const CASES = 100_000;
  const moment = { now: NOON, clockTrusted: true };
  const who = memberId("m0");

  /** How many stood. */
  function stoodIn(d: Dice): number {
    const before: VotedPolicy = { ...randomPolicy(d), version: 2, hash: "before" };
    // Many are the same but for one offer, so that many hold.
    const other = randomPolicy(d);
    const [first] = other.offers;
    const offers = before.offers.map((one) => (first && one.id === first.id ? first : one));
    const policy = { ...(d.once(3) ? other : { ...before, offers }), version: 3, hash: "next" };
    const consents = before.offers.map((to) => ({
      ...{ ...randomConsent(d, who, to), policyVersion: 2, policyHash: "before" },
    }));
    const after = carryOver(consents, { policy, earlier: () => before });
    // The old policy's own dates are not the member's: a new vote may renew them.
    const agreed = { ...before, effective: instant(0), sunset: instant(NOON * 2) };
    return policy.offers.filter(({ id: offered }) => {
      const asked = { member: who, offer: offered, window: WEEK };
      if (!standingIn({ ...moment, policy, consents: after }, asked).stands) return false;
      // A limit of the member's own may keep them out of the old offer and fit the stricter new one.
      const words = consents.map((one) => ({ ...one, limits: {} }));
      const stood = standingIn({ ...moment, policy: agreed, consents: words }, asked);
      if (!stood.stands) throw new Error(`${offered}: ${stood.because}`);
      return true;
    }).length;
  }

  it(`in ${CASES} random cases`, { timeout: 120_000 }, () => {
    let stood = 0;
    forSeeds(CASES, (d) => void (stood += stoodIn(d)));
    expect(stood).toBeGreaterThan(CASES / 100);
  });
});
