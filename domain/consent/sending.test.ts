import { describe, expect, it } from "vitest";
import {
  instant,
  memberId,
  type DenyReason,
  type OfferId,
  type PinnedConsent,
  type VotedPolicy,
} from "../model/index.ts";
import type { Moment } from "./asked.ts";
import { mayPass, sendingRefusal, type Waiting } from "./sending.ts";

/** Expected outcomes by hand from issue 5, section 3: a release waits from 10 on and may be sent at 50. */
const [member, other, offer] = [memberId("house-01"), memberId("house-02"), "trading" as OfferId];
const terms = { purpose: "dpv:ServiceProvision", recipient: "hub" };
const window = { from: instant(-900_000), to: instant(0) };
const policy: VotedPolicy = {
  ...{ version: 2, hash: "new", previous: "old", effective: instant(0), sunset: instant(1_000) },
  prohibitions: [],
  offers: [
    {
      ...{ ...terms, id: offer, title: "Trading", kind: "energyInterval", retentionDays: 30, unit: "Wh" },
      ...{ lane: "ownAccount", recipientKey: "k", granularity: "quarterHour", utcOffsetMinutes: 0 },
      ...{ window: { from: window.from, to: instant(1_000) }, expires: instant(1_000) },
    },
  ],
};
const yes = (given: number, expires: number, rest: Partial<PinnedConsent> = {}): PinnedConsent => ({
  ...{ member, offer, ...terms, policyVersion: 2, policyHash: "new", limits: {} },
  ...{ given: instant(given), expires: instant(expires) },
  ...rest,
});
type Asked = [Moment, Waiting];
const request = (
  consents: readonly PinnedConsent[],
  moment: Partial<Moment> = {},
  waiting: Partial<Waiting> = {},
): Asked => [
  { now: instant(50), clockTrusted: true, policy, consents, ...moment },
  {
    ...{ kind: "energyInterval", offer, ...terms, window, members: [member], released: instant(10) },
    ...waiting,
  },
];
const outcome = (asked: Asked): DenyReason | "release" => sendingRefusal(...asked) ?? "release";

describe("at the moment of sending", () => {
  it.each<[string, Asked, string]>([
    ["passes under a yes that still stands", request([yes(0, 100)]), "release"],
    ["passes under a yes that was renewed before it ended", request([yes(0, 30), yes(20, 100)]), "release"],
    ["passes under two that meet to the millisecond", request([yes(0, 30), yes(30, 100)]), "release"],
    ["is refused after a withdrawal", request([yes(0, 100, { withdrawn: instant(40) })]), "consentWithdrawn"],
    ["is refused after the yes ran out", request([yes(0, 50)]), "consentExpired"],
    [
      "is refused where a new yes came after a withdrawal: it does not reach back",
      request([yes(0, 100, { withdrawn: instant(20) }), yes(30, 100)]),
      "consentWithdrawn",
    ],
    [
      "is refused where a new yes came after the old one had run out",
      request([yes(0, 20), yes(30, 100)]),
      "consentExpired",
    ],
    ["is refused where the yes is younger than the release", request([yes(11, 100)]), "consentExpired"],
    [
      "is refused under a yes to an earlier policy",
      request([yes(0, 100, { policyVersion: 1, policyHash: "old" })]),
      "consentOtherPolicy",
    ],
    [
      "is refused where the offer is gone",
      request([yes(0, 100)], { policy: { ...policy, offers: [] } }),
      "noOffer",
    ],
    [
      "is refused for another recipient",
      request([yes(0, 100)], {}, { recipient: "somebody" }),
      "recipientMismatch",
    ],
    [
      "waits while the clock is not trusted",
      request([yes(0, 100)], { clockTrusted: false }),
      "clockUntrusted",
    ],
    [
      "is refused where one of those whom it is about took it back",
      request(
        [yes(0, 100), yes(0, 100, { member: other, withdrawn: instant(40) })],
        {},
        { members: [member, other] },
      ),
      "consentWithdrawn",
    ],
    [
      "is refused where somebody wants a larger group than it is about",
      request([yes(0, 100, { limits: { leastMembers: 2 } })]),
      "limitStricter",
    ],
    ["is refused where it is about nobody", request([yes(0, 100)], {}, { members: [] }), "error"],
    ["waits while there is no policy", request([yes(0, 100)], { policy: undefined }), "noPolicy"],
  ])("%s", (_what, asked, expected) => {
    expect(outcome(asked)).toBe(expected);
  });

  it("throws away for a member's word, and not for a fault of the gateway's own", () => {
    expect(mayPass("clockUntrusted")).toBe(true);
    expect(mayPass("noPolicy")).toBe(true);
    expect(mayPass("consentWithdrawn")).toBe(false);
    expect(mayPass("noOffer")).toBe(false);
    expect(mayPass("error")).toBe(false);
  });
});
