import { describe, expect, it } from "vitest";
import { instant, type ConsentLimits, type GuardianMandate } from "../../domain/model/index.ts";
import { canonicalJson } from "../canonical.ts";
import { consentTo, votedFor } from "../../test/support/voted.ts";
import { generateKeyPair, publicKeyToText } from "../keys.ts";
import type { Json } from "./dpv.ts";
import { odrlOffers, receiptText, sealHolds, type ReceiptFacts, type ReceiptFormat } from "./index.ts";

const keys = generateKeyPair();
const terms = { id: "trading", title: "Trading", recipientKey: "k".repeat(43), retentionDays: 400 };
const policy = votedFor([{ ...terms, purpose: "dpv:FulfilmentOfContractualObligation" }], 3);
const [offer] = policy.offers;
if (!offer) throw new Error("the policy has no offer");
const [GIVEN, EXPIRES] = [instant(Date.UTC(2026, 5, 15)), instant(Date.UTC(2027, 5, 15))];
const consent = {
  ...consentTo(policy, { member: "house-01", given: GIVEN, expires: EXPIRES }),
  id: 7,
};
const facts = (rest: Partial<ReceiptFacts> = {}): ReceiptFacts => ({
  ...{ site: { id: "kijiji", name: "Kijiji cha Jua" }, publicKey: publicKeyToText(keys.publicKey) },
  ...{ consent, offer, kind: offer.kind, now: instant(Date.UTC(2026, 6, 1)), language: "sw" },
  ...rest,
});
const receipt = (format: ReceiptFormat, rest?: Partial<ReceiptFacts>): Json =>
  JSON.parse(receiptText(facts(rest), format, keys)) as Json;
const withdrawn = { consent: { ...consent, withdrawn: instant(Date.UTC(2026, 5, 20)) } };
const expired = { now: EXPIRES };

/** The fields of w3id.org/dpv/guides/consent-27560: "MUST be present", and the mandatory rows of its table. */
describe("the receipt by ISO/IEC TS 27560 in the DPV's profile", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const record = (rest?: Partial<ReceiptFacts>): Json =>
    receipt("dpv", rest)["dpv:hasRecordOfActivity"] as Json;

  it("has schema version, identifier, time and the record of the consent", () => {
    expect(receipt("dpv")).toMatchObject({
      "@type": "dpv:ConsentReceipt",
      "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt",
      "dpv:hasIdentifier": expect.stringMatching(UUID),
      "dct:created": "2026-07-01T00:00:00Z",
      "dpv:hasRecordOfActivity": {
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record",
        "dpv:hasIdentifier": expect.stringMatching(UUID),
      },
    });
  });

  it("says who, what for, which data, who gets it and how long they may keep it", () => {
    expect(record()).toMatchObject({
      "dpv:hasDataSubject": { "dct:identifier": "house-01" },
      "dpv:hasDataController": {
        "dct:identifier": "kijiji",
        "dpv:hasName": "Kijiji cha Jua",
        "dpv:hasAddress": expect.any(String),
        "dpv:hasContact": expect.any(String),
      },
      "dpv:hasLegalBasis": "dpv:ExpressedConsent",
      "dpv:hasProcess": {
        "dpv:hasPurpose": "dpv:FulfilmentOfContractualObligation",
        "dpv:hasPersonalData": { "@type": "dpv:PersonalData" },
        "dpv:hasRecipient": { "dct:identifier": "hub" },
        "dpv:hasStorageCondition": { "@type": "dpv:StorageDuration", "dpv:hasDuration": "P400D" },
      },
      "dpv:hasNotice": { "@type": "dpv:ConsentNotice", "dct:language": "sw" },
      "dpv:hasConsentControl": { "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"] },
    });
  });

  it.each<[string, Partial<ReceiptFacts>, string, string]>([
    ["given", {}, "dpv:ConsentGiven", "2026-06-15T00:00:00Z"],
    ["withdrawn", withdrawn, "dpv:ConsentWithdrawn", "2026-06-20T00:00:00Z"],
    ["expired", expired, "dpv:ConsentExpired", "2027-06-15T00:00:00Z"],
  ])("tells that the consent is %s, and when", (_what, rest, type, time) => {
    const statuses = record(rest)["dpv:hasConsentStatus"] as Json[];
    expect([statuses[0]?.["@type"]].flat()).toContain("dpv:ConsentGiven");
    expect(statuses[0]).toMatchObject({ "dct:valid": "2026-06-15T00:00:00Z/2027-06-15T00:00:00Z" });
    expect([statuses.at(-1)?.["@type"]].flat()).toContain(type);
    expect(statuses.at(-1)).toMatchObject({ "dpv:isIndicatedAtTime": time });
  });

  it("says what the member limited, and who said it for them", () => {
    const guardian: GuardianMandate = {
      ...{ guardian: "Amina", member: consent.member, scope: "all", from: GIVEN, until: EXPIRES },
    };
    const limits: ConsentLimits = { retentionDays: 30, granularity: "day", leastMembers: 20 };
    const rest = { consent: { ...consent, limits, guardian } };
    expect(record(rest)).toMatchObject({
      "dpv:hasProcess": {
        "dpv:hasPersonalData": {
          "dct:title": expect.stringMatching(
            /one figure a day; about times from .*; only in a sum over at least 20/,
          ),
        },
        "dpv:hasStorageCondition": { "dpv:hasDuration": "P30D" },
      },
      "dpv:hasConsentStatus": [
        { "dpv:isIndicatedBy": { "@type": "dpv:GuardianOfDataSubject", "dct:identifier": "Amina" } },
      ],
    });
    expect(receiptText(facts(rest), "odrl", keys)).toContain('"P30D"');
    expect(receipt("kantara", rest)).toMatchObject({ collectionMethod: expect.stringContaining("Amina") });
  });

  it("has one identifier for one consent, and another for another", () => {
    expect(receipt("dpv")["@id"]).toBe(receipt("dpv", withdrawn)["@id"]);
    expect(receipt("dpv")["@id"]).not.toBe(receipt("dpv", { consent: { ...consent, id: 8 } })["@id"]);
  });

  it("is canonical, and signed by the gateway over every byte", () => {
    const sealed = receipt("dpv");
    expect(receiptText(facts(), "dpv", keys)).toBe(canonicalJson(sealed));
    expect(sealHolds(sealed, keys.publicKey)).toBe(true);
    expect(sealHolds(sealed, generateKeyPair().publicKey)).toBe(false);
    expect(sealHolds({ ...sealed, "dct:created": "2026-07-02T00:00:00Z" })).toBe(false);
    expect(
      sealHolds({ ...sealed, proof: { ...(sealed.proof as Json), created: "2020-01-01T00:00:00Z" } }),
    ).toBe(false);
  });
});

/** The vector of Digital Bazaar for eddsa-jcs-2022, as published with w3.org/TR/vc-di-eddsa. */
it("checks the published signature of eddsa-jcs-2022", () => {
  const context = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"];
  const key = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
  const credential = {
    "@context": context,
    id: "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    type: ["VerifiableCredential", "AlumniCredential"],
    name: "Alumni Credential",
    description: "A minimum viable example of an Alumni Credential.",
    issuer: `did:key:${key}`,
    validFrom: "2023-01-01T00:00:00Z",
    credentialSubject: { id: "did:example:abcdefgh", alumniOf: "The School of Examples" },
    proof: {
      type: "DataIntegrityProof",
      created: "2023-02-24T23:36:38Z",
      verificationMethod: `did:key:${key}#${key}`,
      cryptosuite: "eddsa-jcs-2022",
      proofPurpose: "assertionMethod",
      "@context": context,
      proofValue: "z5EhYRJkfPLkoT92FPXN8KK6M9rsBhq3xs19GBSsA6VdNYH4QMKSyNuA2Gfznz9QthVD7Rz3HTAfqxxay23htUpTg",
    },
  };
  expect(sealHolds(credential)).toBe(true);
  expect(sealHolds({ ...credential, name: "Alumni" })).toBe(false);
});

/** Kantara Consent Receipt 1.1.0, 4.3 to 4.5: the fields that are REQUIRED, and their kinds. */
describe("the receipt by Kantara 1.1", () => {
  it("has every required field", () => {
    expect(receipt("kantara")).toMatchObject({
      version: "KI-CR-v1.1.0",
      jurisdiction: expect.any(String),
      consentTimestamp: GIVEN / 1000,
      collectionMethod: expect.any(String),
      consentReceiptID: expect.any(String),
      language: "sw",
      piiPrincipalId: "house-01",
      piiControllers: [
        {
          piiController: "Kijiji cha Jua",
          contact: expect.any(String),
          address: expect.any(Object),
          email: expect.any(String),
          phone: expect.any(String),
        },
      ],
      policyUrl: expect.any(String),
      services: [
        {
          service: "Trading",
          purposes: [
            {
              purpose: "Trading",
              purposeCategory: ["dpv:FulfilmentOfContractualObligation"],
              consentType: "EXPLICIT",
              piiCategory: [expect.any(String)],
              primaryPurpose: true,
              termination: "Ends 2027-06-15T00:00:00Z, or when it is withdrawn at /sharing",
              thirdPartyDisclosure: true,
              thirdPartyName: "hub",
            },
          ],
        },
      ],
      sensitive: false,
      spiCat: [],
    });
  });
});

/** ODRL 2.2, www.w3.org/TR/odrl-model: 2.1 (an Agreement needs assigner and assignee), 2.5 (constraints), 2.6.2 (duties). */
describe("the same in ODRL", () => {
  it("is an agreement on use, for the purpose, until its end, with the duty to delete", () => {
    expect(receipt("odrl")).toMatchObject({
      "@context": ["http://www.w3.org/ns/odrl.jsonld", { dpv: "https://w3id.org/dpv#" }],
      "@type": "Agreement",
      uid: expect.stringMatching(/^urn:uuid:/),
      permission: [
        {
          target: "urn:fieldwatt:kijiji:offer:trading",
          assigner: "urn:fieldwatt:kijiji:member:house-01",
          assignee: "urn:fieldwatt:hub",
          action: "use",
          constraint: [
            { leftOperand: "purpose", operator: "eq", rightOperand: { "@id": offer.purpose } },
            { leftOperand: "recipient", operator: "eq" },
            { leftOperand: "dateTime", operator: "gteq", rightOperand: { "@value": "2026-06-15T00:00:00Z" } },
            { leftOperand: "dateTime", operator: "lt", rightOperand: { "@value": "2027-06-15T00:00:00Z" } },
          ],
          duty: [
            {
              action: "delete",
              constraint: [{ leftOperand: "elapsedTime", rightOperand: { "@value": "P400D" } }],
            },
          ],
        },
      ],
      prohibition: [{ action: "distribute" }],
    });
  });

  it("ends with the withdrawal", () => {
    expect(JSON.stringify(receipt("odrl", withdrawn))).toContain('"@value":"2026-06-20T00:00:00Z"');
    expect(JSON.stringify(receipt("odrl", withdrawn))).not.toContain("2027-06-15");
  });

  it("makes an offer of each offer of the policy", () => {
    const { "@graph": graph } = odrlOffers(policy, "kijiji") as { "@graph": Json[] };
    expect(graph).toMatchObject([
      {
        "@type": "Offer",
        uid: "urn:fieldwatt:kijiji:policy:3:trading",
        permission: [{ assigner: "urn:fieldwatt:kijiji" }],
      },
    ]);
  });
});
