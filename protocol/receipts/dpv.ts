import {
  agreedData,
  durationOf,
  identifierOf,
  stateOf,
  termsOf,
  timeText,
  type ReceiptFacts,
} from "./facts.ts";

/**
 * A consent receipt by ISO/IEC TS 27560:2023 in the profile of the W3C's Data Privacy Vocabulary (w3id.org/dpv/guides/
 * consent-27560): JSON-LD, a receipt that wraps the record of one consent with all of its mandatory fields.
 */
const CONTEXT = {
  dpv: "https://w3id.org/dpv#",
  dct: "http://purl.org/dc/terms/",
  schema: "https://schema.org/",
  xsd: "http://www.w3.org/2001/XMLSchema#",
} as const;
const SCHEMA = "https://w3id.org/dpv/schema/dpv-27560";

export type Json = { readonly [name: string]: unknown };

export function dpvReceipt(facts: ReceiptFacts): Json {
  const id = identifierOf(facts, "receipt");
  return {
    "@context": CONTEXT,
    "@id": `urn:uuid:${id}`,
    "@type": "dpv:ConsentReceipt",
    "dpv:hasIdentifier": id,
    "dct:conformsTo": `${SCHEMA}#receipt`,
    "dct:created": timeText(facts.now),
    "dct:publisher": controllerId(facts),
    "schema:recipient": "dpv:DataSubject",
    "dpv:hasRecordOfActivity": recordOf(facts),
  };
}

const controllerId = ({ site }: ReceiptFacts): string => `urn:fieldwatt:${site.id}`;

function recordOf(facts: ReceiptFacts): Json {
  const { site, consent, language } = facts;
  const id = identifierOf(facts, "record");
  return {
    "@id": `urn:uuid:${id}`,
    "@type": "dpv:ConsentRecord",
    "dpv:hasIdentifier": id,
    "dct:conformsTo": `${SCHEMA}#record`,
    "dpv:hasDataSubject": {
      "@id": `${controllerId(facts)}:member:${consent.member}`,
      "@type": "dpv:DataSubject",
      "dct:identifier": consent.member,
    },
    "dpv:hasDataController": {
      "@id": controllerId(facts),
      "@type": "dpv:DataController",
      "dct:identifier": site.id,
      "dpv:hasName": site.name,
      "dpv:hasAddress": site.name,
      "dpv:hasContact": `The operator of ${site.name}`,
    },
    "dpv:hasLegalBasis": "dpv:ExpressedConsent",
    "dpv:hasProcess": processOf(facts),
    "dpv:hasNotice": {
      "@type": "dpv:ConsentNotice",
      "dct:identifier": `${controllerId(facts)}:policy:${consent.policyVersion}:${consent.offer}`,
      "dct:language": language,
      "dct:date": timeText(consent.given),
    },
    "dpv:hasConsentControl": {
      "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
      "dpv:isExercisedAt": "/sharing",
    },
    "dpv:hasConsentStatus": statusesOf(facts),
  };
}

function processOf(facts: ReceiptFacts): Json {
  const { consent, offer } = facts;
  const terms = termsOf(facts);
  return {
    "@type": "dpv:Process",
    ...(offer && { "dct:title": offer.title }),
    "dpv:hasPurpose": consent.purpose,
    "dpv:hasProcessing": "dpv:Share",
    "dpv:hasPersonalData": {
      "@type": "dpv:PersonalData",
      "dct:title": agreedData(facts),
    },
    "dpv:hasRecipient": {
      "@type": "dpv:Recipient",
      "dct:identifier": consent.recipient,
      "dpv:hasName": consent.recipient,
    },
    ...(terms && {
      "dpv:hasStorageCondition": {
        "@type": "dpv:StorageDuration",
        "dpv:hasDuration": durationOf(terms.retentionDays),
      },
    }),
  };
}

/** What happened to the consent, in order. */
function statusesOf(facts: ReceiptFacts): Json[] {
  const { given, expires, withdrawn, guardian } = facts.consent;
  const by = { "dpv:isIndicatedBy": "dpv:DataSubject", "dpv:hasIndicationMethod": "Gateway of the co-op" };
  const start = {
    "@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
    ...by,
    ...(guardian && {
      "dpv:isIndicatedBy": { "@type": "dpv:GuardianOfDataSubject", "dct:identifier": guardian.guardian },
    }),
    "dpv:isIndicatedAtTime": timeText(given),
    "dct:valid": `${timeText(given)}/${timeText(expires)}`,
  };
  const state = stateOf(facts);
  if (state === "withdrawn" && withdrawn !== undefined)
    return [start, { "@type": "dpv:ConsentWithdrawn", ...by, "dpv:isIndicatedAtTime": timeText(withdrawn) }];
  if (state === "expired")
    return [start, { "@type": "dpv:ConsentExpired", "dpv:isIndicatedAtTime": timeText(expires) }];
  return [start];
}
