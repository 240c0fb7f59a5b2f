import type { Json } from "./dpv.ts";
import { agreedData, identifierOf, stateOf, timeText, type ReceiptFacts } from "./facts.ts";

/** What this gateway does not know, and the form wants: said to be unstated, never made up. */
const UNSTATED = "not stated";

/** The consent as a receipt by the Kantara Consent Receipt Specification 1.1.0, sections 4.3 to 4.5, for export. */
export function kantaraReceipt(facts: ReceiptFacts): Json {
  const { site, publicKey, consent, language } = facts;
  return {
    version: "KI-CR-v1.1.0",
    jurisdiction: UNSTATED,
    // 4.3.3: seconds since 1970.
    consentTimestamp: Math.floor(consent.given / 1000),
    collectionMethod: consent.guardian
      ? `The co-op's gateway: ${consent.guardian.guardian}, who may act for the member`
      : "The co-op's gateway: a page, or the operator beside the member",
    consentReceiptID: identifierOf(facts, "receipt"),
    publicKey,
    language,
    piiPrincipalId: consent.member,
    piiControllers: [
      {
        piiController: site.name,
        onBehalf: false,
        contact: `The operator of ${site.name}`,
        address: { streetAddress: UNSTATED, addressCountry: UNSTATED },
        email: UNSTATED,
        phone: UNSTATED,
      },
    ],
    policyUrl: `urn:fieldwatt:${site.id}:policy:${consent.policyVersion}`,
    services: [{ service: facts.offer?.title ?? consent.offer, purposes: [purposeOf(facts)] }],
    sensitive: false,
    spiCat: [],
  };
}

function purposeOf(facts: ReceiptFacts): Json {
  const { consent, offer } = facts;
  return {
    purpose: offer?.title ?? consent.offer,
    purposeCategory: [consent.purpose],
    consentType: "EXPLICIT",
    piiCategory: [agreedData(facts)],
    primaryPurpose: true,
    termination: terminationOf(facts),
    // 4.5.10 and 4.5.11: the recipient is another than the controller, and named.
    thirdPartyDisclosure: true,
    thirdPartyName: consent.recipient,
  };
}

function terminationOf(facts: ReceiptFacts): string {
  const { expires, withdrawn } = facts.consent;
  switch (stateOf(facts)) {
    case "withdrawn":
      return `Withdrawn ${timeText(withdrawn ?? expires)}`;
    case "expired":
      return `Expired ${timeText(expires)}`;
    case "given":
      return `Ends ${timeText(expires)}, or when it is withdrawn at /sharing`;
  }
}
