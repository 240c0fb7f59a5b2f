import type { Instant, VotedOffer, VotedPolicy } from "../../domain/model/index.ts";
import type { Json } from "./dpv.ts";
import { durationOf, identifierOf, termsOf, timeText, type ReceiptFacts } from "./facts.ts";

/**
 * The policy and the consents in ODRL 2.2 (www.w3.org/TR/odrl-model), for dataspaces: each offer of the co-op an Offer,
 * each consent an Agreement. For others to read: this gateway decides by its own rules and never by these.
 */
const CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", { dpv: "https://w3id.org/dpv#" }] as const;
const siteUri = (site: string): string => `urn:fieldwatt:${site}`;

const typed = (value: string, type: "xsd:dateTime" | "xsd:duration"): Json => ({
  "@value": value,
  "@type": type,
});
const constraint = (leftOperand: string, operator: string, rightOperand: unknown): Json => ({
  leftOperand,
  operator,
  rightOperand,
});

interface Terms {
  readonly site: string;
  readonly offer: Pick<VotedOffer, "id" | "purpose" | "recipient"> & { readonly retentionDays?: number };
  readonly span?: { readonly from: Instant; readonly to: Instant };
  readonly parties: Json;
}

/** What the recipient may do, until when, and that it must delete; nothing may be passed on. */
function rulesOf({ site, offer, span, parties }: Terms): Json {
  const target = `${siteUri(site)}:offer:${offer.id}`;
  const during = span
    ? [
        constraint("dateTime", "gteq", typed(timeText(span.from), "xsd:dateTime")),
        constraint("dateTime", "lt", typed(timeText(span.to), "xsd:dateTime")),
      ]
    : [];
  const { retentionDays: days } = offer;
  const kept = constraint("elapsedTime", "lteq", typed(durationOf(days ?? 0), "xsd:duration"));
  return {
    permission: [
      {
        ...{ target, ...parties, action: "use" },
        constraint: [
          constraint("purpose", "eq", { "@id": offer.purpose }),
          constraint("recipient", "eq", { "@id": siteUri(offer.recipient) }),
          ...during,
        ],
        ...(days !== undefined && { duty: [{ action: "delete", constraint: [kept] }] }),
      },
    ],
    prohibition: [{ target, ...parties, action: "distribute" }],
  };
}

/** One consent: from its beginning to its end, which a withdrawal may have brought forward. */
export function odrlAgreement(facts: ReceiptFacts): Json {
  const { site, consent } = facts;
  const terms = termsOf(facts);
  const { given, expires, withdrawn } = consent;
  const to = withdrawn !== undefined && withdrawn < expires ? withdrawn : expires;
  return {
    "@context": CONTEXT,
    "@type": "Agreement",
    uid: `urn:uuid:${identifierOf(facts, "record")}`,
    ...rulesOf({
      site: site.id,
      offer: {
        ...{ id: consent.offer, purpose: consent.purpose, recipient: consent.recipient },
        ...(terms && { retentionDays: terms.retentionDays }),
      },
      span: { from: given, to },
      parties: {
        assigner: `${siteUri(site.id)}:member:${consent.member}`,
        assignee: siteUri(consent.recipient),
      },
    }),
  };
}

/** Every offer of the policy, as the co-op makes it to its members. */
export const odrlOffers = (policy: VotedPolicy, site: string): Json => ({
  "@context": CONTEXT,
  "@graph": policy.offers.map((offer) => ({
    "@type": "Offer",
    uid: `${siteUri(site)}:policy:${policy.version}:${offer.id}`,
    ...rulesOf({ site, offer, parties: { assigner: siteUri(site) } }),
  })),
});
