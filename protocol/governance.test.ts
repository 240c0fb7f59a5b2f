import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelFor, termOf, type Before, type Claims } from "../domain/governance/certificate.ts";
import type { GovernanceReason } from "../domain/governance/reasons.ts";
import { DEFAULT_RULE } from "../domain/governance/vote.ts";
import { addMs, instant, memberId, rationalFromText, type VotedPolicy } from "../domain/model/index.ts";
import {
  claimsJson,
  electorateRoot,
  signClaims,
  verifyCertificate,
  type CertificateContext,
  type WrittenCertificate,
} from "./governance.ts";
import { generateKeyPair, publicKeyToText } from "./keys.ts";
import { policyHash, votedPolicy } from "./policy.ts";

const DAY = 86_400_000;
const at = (text: string) => instant(Date.parse(text));
const offer = {
  ...{ lane: "ownAccount", id: "trading", title: "Trade", kind: "energyInterval" },
  ...{ purpose: "dpv:ServiceProvision", recipient: "hub", retentionDays: 365, granularity: "hour" },
  recipientKey: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  ...{ window: { from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z" }, unit: "Wh" },
  expires: "2026-12-31T00:00:00Z",
};
const term = { effective: "2026-01-01T00:00:00Z", sunset: "2026-12-31T00:00:00Z" };
const firstWritten = { version: 1, previous: null, ...term, offers: [offer] };
const first = votedPolicy.parse(firstWritten);
const next = (change: object): VotedPolicy =>
  votedPolicy.parse({ ...firstWritten, version: 2, previous: policyHash(firstWritten), ...change });
const tightened = next({ offers: [{ ...offer, retentionDays: 30 }] });
const loosened = next({ offers: [{ ...offer, retentionDays: 700 }] });

const person = (name: string) => ({ name, keys: generateKeyPair() });
const [amina, baraka, chege] = [person("Amina"), person("Baraka"), person("Chege")];
const known = [amina, baraka, chege].map(({ name, keys }) => ({
  name,
  publicKey: publicKeyToText(keys.publicKey),
}));
const stranger = person("Eve");

const certified = at("2026-03-01T00:00:00Z");
const before: Before = { policy: first, effective: at("2026-01-01T00:00:00Z") };
const tally = { electorate: 30, yes: 8, no: 4, abstain: 0 };

function claimsFor(policy: VotedPolicy, previous: Before | undefined): Claims {
  return {
    ...{ policy: policy.hash, policyVersion: policy.version, previous: policy.previous },
    ...{ proposal: "a".repeat(64), electorateRoot: "b".repeat(64), tally, rule: DEFAULT_RULE },
    ...{ closed: certified, certified },
    ...termOf(policy, { certified, rule: DEFAULT_RULE, before: previous }),
  };
}

function signed(claims: Claims, by: readonly (typeof stranger)[] = [amina, baraka]): WrittenCertificate {
  const certificate = claimsJson(claims);
  return { certificate, signatures: by.map((one) => signClaims(certificate, one)) };
}

const verdict = (input: unknown, context: Partial<CertificateContext> = {}): GovernanceReason | "valid" => {
  const verified = verifyCertificate(input, { policy: loosened, before, officers: known, ...context });
  return verified.valid ? "valid" : verified.because;
};
const ofLoosened = claimsFor(loosened, before);
const changed = (change: Partial<Claims>): WrittenCertificate => signed({ ...ofLoosened, ...change });

describe("a certificate", () => {
  it("that two officers signed for a policy that follows holds, from seven days later on", () => {
    expect(ofLoosened.effective).toBe(certified + 7 * DAY);
    expect(verdict(signed(ofLoosened))).toBe("valid");
    expect(verdict(signed(ofLoosened), { now: addMs(certified, 7 * DAY) })).toBe("valid");
  });

  it("of a policy that tightens holds at once", () => {
    const claims = claimsFor(tightened, before);
    expect(claims.effective).toBe(certified);
    expect(verdict(signed(claims), { policy: tightened, now: certified })).toBe("valid");
  });

  it("of a founding policy holds at once: nobody's data are released under an older one", () => {
    const claims = claimsFor(first, undefined);
    expect(labelFor(undefined, first)).toBe("loosen");
    expect(verdict(signed(claims), { policy: first, before: undefined, now: certified })).toBe("valid");
  });

  const garbled = signed(ofLoosened);
  const otherSigned = { ...garbled, certificate: { ...garbled.certificate, proposal: "c".repeat(64) } };
  const rule = { ...DEFAULT_RULE, quorum: rationalFromText("1/30") };
  const waiting: Before = { policy: first, effective: addMs(certified, 20 * DAY) };
  const soon = claimsFor(tightened, before);
  it.each<[GovernanceReason, string, unknown, Partial<CertificateContext>]>([
    ["formInvalid", "nothing at all", undefined, {}],
    ["formInvalid", "a field that nobody knows", { ...garbled, more: 1 }, {}],
    [
      "formInvalid",
      "claims with a field too many",
      { ...garbled, certificate: { ...garbled.certificate, label: "tighten" } },
      {},
    ],
    ["wrongHash", "another policy", signed(ofLoosened), { policy: tightened }],
    [
      "wrongHash",
      "the policy changed by one letter",
      signed(ofLoosened),
      { policy: next({ offers: [{ ...offer, retentionDays: 701 }] }) },
    ],
    ["chainBroken", "another version than the policy's", changed({ policyVersion: 3 }), {}],
    ["chainBroken", "no version 1 to begin with", signed(ofLoosened), { before: undefined }],
    [
      "rollback",
      "a version that the chain has passed",
      signed(ofLoosened),
      { before: { ...before, policy: tightened } },
    ],
    [
      "rollback",
      "a previous one that is not the newest",
      signed(ofLoosened),
      { before: { ...before, policy: { ...first, hash: "d".repeat(64) } } },
    ],
    [
      "chainBroken",
      "a version left out",
      signed(claimsFor(next({ version: 3 }), before)),
      { policy: next({ version: 3 }) },
    ],
    ["tooFewSignatures", "one officer alone", signed(ofLoosened, [amina]), {}],
    ["sameOfficerTwice", "one officer twice", signed(ofLoosened, [amina, amina]), {}],
    ["unknownOfficer", "a stranger beside two officers", signed(ofLoosened, [amina, baraka, stranger]), {}],
    ["unknownOfficer", "officers that are none any more", signed(ofLoosened), { officers: known.slice(1) }],
    ["badSignature", "claims changed after they were signed", otherSigned, {}],
    [
      "badSignature",
      "a stranger under an officer's name",
      signed(ofLoosened, [amina, { ...stranger, name: "Baraka" }]),
      {},
    ],
    ["ruleMismatch", "a rule of the officers' own", changed({ rule }), { rule: DEFAULT_RULE }],
    ["tallyImpossible", "more votes than voters", changed({ tally: { ...tally, yes: 40 } }), {}],
    ["quorumNotMet", "too few voters", changed({ tally: { ...tally, yes: 5 } }), {}],
    [
      "majorityNotMet",
      "a simple majority for a loosening",
      changed({ tally: { ...tally, yes: 7, no: 6 } }),
      {},
    ],
    ["delayTooShort", "a loosening after six days", changed({ effective: addMs(certified, 6 * DAY) }), {}],
    ["delayTooShort", "a certificate from before the close", changed({ closed: addMs(certified, 1) }), {}],
    [
      "overtakesPrevious",
      "a tightening of what has not begun, so that nothing loosens unnoticed",
      signed(soon),
      { policy: tightened, before: waiting },
    ],
    ["termInvalid", "an end after the policy's own", changed({ sunset: addMs(loosened.sunset, 1) }), {}],
    ["termInvalid", "an end before the beginning", changed({ sunset: certified }), {}],
    ["notYetEffective", "too early", signed(ofLoosened), { now: addMs(certified, 7 * DAY - 1) }],
    ["sunsetPassed", "too late", signed(ofLoosened), { now: loosened.sunset }],
  ])("is refused as %s: %s", (because, _what, input, context) => {
    expect(verdict(input, context)).toBe(because);
  });

  it("holds for one policy only, and with no byte of its claims or signatures changed", () => {
    const good = JSON.stringify(signed(ofLoosened));
    const digits = [...good].flatMap((c, i) => (/[0-9a-f]/.test(c) ? [i] : []));
    fc.assert(
      fc.property(fc.constantFrom(...digits), fc.constantFrom(..."0123456789abcdef"), (place, letter) => {
        if (good[place] === letter) return true;
        const text = good.slice(0, place) + letter + good.slice(place + 1);
        try {
          return verdict(JSON.parse(text)) !== "valid";
        } catch (error) {
          return error instanceof SyntaxError;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is answered for anything at all, and only ever with no", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => verdict(value) !== "valid"),
      { numRuns: 5_000 },
    );
  });
});

describe("the electorate's root", () => {
  const root = (...ids: string[]) => electorateRoot(ids.map(memberId));
  it("is the same in any order, another with anybody more or less", () => {
    expect(root("b", "a", "c")).toBe(root("a", "b", "c"));
    expect(root("a", "b")).not.toBe(root("a", "b", "c"));
  });
  it("of one is the leaf's hash: SHA-256 of 00 and the id (RFC 6962, section 2.1)", () => {
    // printf '\0a' | sha256sum
    expect(root("a")).toBe("022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c");
  });
});
