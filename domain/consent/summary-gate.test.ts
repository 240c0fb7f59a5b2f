import { describe, expect, it } from "vitest";
import { instant, memberId, type Consent, type OfferId, type Policy } from "../model/index.ts";
import { decideSummary, type SummaryRequest } from "./summary-gate.ts";

const now = instant(Date.UTC(2026, 5, 15));
const DAY = 86_400_000;
const offer = {
  id: "own-account-trading" as OfferId,
  title: "Trade",
  kind: "energyInterval",
  purpose: "dpv:FulfilmentOfContractualObligation",
  recipient: "federation",
  retentionDays: 730,
} as const;
const policy: Policy = { version: 3, offers: [offer] };
const consent: Consent = {
  member: memberId("m1"),
  offer: offer.id,
  purpose: offer.purpose,
  recipient: offer.recipient,
  policyVersion: 3,
  given: instant(now - DAY),
  expires: instant(now + DAY),
};
const yes: SummaryRequest = {
  now,
  clockTrusted: true,
  policy,
  consents: [consent],
  member: memberId("m1"),
  kind: "energyInterval",
  offer: offer.id,
  purpose: offer.purpose,
  recipient: offer.recipient,
};

describe("the gate", () => {
  it("releases what policy and member both allow", () => {
    expect(decideSummary(yes)).toEqual({ kind: "release", offer: offer.id, members: ["m1"] });
  });

  it.each<[string, Partial<SummaryRequest>, string]>([
    ["the clock is not trusted", { clockTrusted: false }, "clockUntrusted"],
    ["there is no policy", { policy: undefined }, "noPolicy"],
    ["the policy has no such offer", { offer: "other" }, "noOffer"],
    ["the offer is for another kind", { kind: "farmDay" }, "kindMismatch"],
    ["the recipient is another", { recipient: "somebody" }, "recipientMismatch"],
    ["the purpose is another", { purpose: "dpv:Marketing" }, "purposeMismatch"],
    ["nobody said yes", { consents: [] }, "noConsent"],
    ["somebody else said yes", { consents: [{ ...consent, member: memberId("m2") }] }, "noConsent"],
    ["the consent is over", { consents: [{ ...consent, expires: now }] }, "consentExpired"],
    ["the consent has not begun", { consents: [{ ...consent, given: instant(now + 1) }] }, "consentExpired"],
    ["the time is not a number", { now: instant(Number.NaN) }, "consentExpired"],
    ["the consent was withdrawn", { consents: [{ ...consent, withdrawn: now }] }, "consentWithdrawn"],
    [
      "an older yes stands behind a newer no",
      { consents: [consent, { ...consent, given: instant(now - 1), withdrawn: now }] },
      "consentWithdrawn",
    ],
    [
      "the consent was for another policy",
      { consents: [{ ...consent, policyVersion: 2 }] },
      "consentOtherPolicy",
    ],
    [
      "the consent was for another recipient",
      { consents: [{ ...consent, recipient: "x" }] },
      "recipientMismatch",
    ],
    ["something is broken inside", { consents: null as unknown as Consent[] }, "error"],
  ])("denies when %s", (_case, change, because) => {
    expect(decideSummary({ ...yes, ...change })).toEqual({ kind: "deny", because });
  });
});
