import { describe, expect, it } from "vitest";
import { instant, memberId, type Consent, type OfferId, type Policy } from "../model/index.ts";
import { decideSending, mayPass, type SendingRequest } from "./sending.ts";

/** Expected outcomes by hand from issue 5, section 3: a release waits from 10 on and may be sent at 50. */
const [member, offer] = [memberId("house-01"), "trading" as OfferId];
const terms = { purpose: "dpv:ServiceProvision", recipient: "hub" };
const policy: Policy = {
  version: 2,
  offers: [{ ...terms, id: offer, title: "Trading", kind: "energyInterval", retentionDays: 30 }],
};
const yes = (given: number, expires: number, rest: Partial<Consent> = {}): Consent => ({
  ...{ member, offer, ...terms, policyVersion: 2, given: instant(given), expires: instant(expires) },
  ...rest,
});
const request = (consents: readonly Consent[], rest: Partial<SendingRequest> = {}): SendingRequest => ({
  ...{ now: instant(50), released: instant(10), clockTrusted: true, policy, consents, member },
  ...{ kind: "energyInterval", offer, ...terms },
  ...rest,
});
const outcome = (asked: SendingRequest): string => {
  const decision = decideSending(asked);
  return decision.kind === "release" ? "release" : decision.because;
};

describe("at the moment of sending", () => {
  it.each<[string, SendingRequest, string]>([
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
      request([yes(0, 100, { policyVersion: 1 })]),
      "consentOtherPolicy",
    ],
    [
      "is refused where the offer is gone",
      request([yes(0, 100)], { policy: { version: 2, offers: [] } }),
      "noOffer",
    ],
    [
      "is refused for another recipient",
      request([yes(0, 100)], { recipient: "somebody" }),
      "recipientMismatch",
    ],
    [
      "waits while the clock is not trusted",
      request([yes(0, 100)], { clockTrusted: false }),
      "clockUntrusted",
    ],
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
