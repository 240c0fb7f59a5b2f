import type {
  Consent,
  Decision,
  DenyReason,
  Instant,
  MemberId,
  Policy,
  SummaryKind,
} from "../model/index.ts";

/** One question to the gate: may this kind of summary of this member go to this recipient for this purpose, now? */
export interface SummaryRequest {
  readonly now: Instant;
  readonly clockTrusted: boolean;
  readonly policy: Policy | undefined;
  /** The consents of `member`; others are ignored. */
  readonly consents: readonly Consent[];
  readonly member: MemberId;
  readonly kind: SummaryKind;
  readonly offer: string;
  readonly purpose: string;
  readonly recipient: string;
}

const deny = (because: DenyReason): Decision => ({ kind: "deny", because });

/**
 * The gate under a policy file without dates and hashes: policy AND consent, and no is the answer to everything else.
 * Total: any error inside is a deny. `decide.ts` decides under a voted policy.
 */
export function decideSummary(request: SummaryRequest): Decision {
  try {
    return decideStrictly(request);
  } catch {
    return deny("error");
  }
}

function decideStrictly(request: SummaryRequest): Decision {
  if (request.clockTrusted !== true) return deny("clockUntrusted");
  if (request.policy === undefined) return deny("noPolicy");
  const offer = request.policy.offers.find((candidate) => candidate.id === request.offer);
  if (!offer) return deny("noOffer");
  if (offer.kind !== request.kind) return deny("kindMismatch");
  if (offer.recipient !== request.recipient) return deny("recipientMismatch");
  if (offer.purpose !== request.purpose) return deny("purposeMismatch");
  const given = request.consents.filter((c) => c.member === request.member && c.offer === offer.id);
  if (given.length === 0) return deny("noConsent");
  // The last word counts: an older yes does not outlive a newer one that was withdrawn.
  const last = given.reduce((a, b) => (b.given >= a.given ? b : a));
  const refusal = refusalOf(last, request, request.policy.version);
  return refusal ? deny(refusal) : { kind: "release", offer: offer.id, members: [request.member] };
}

function refusalOf(consent: Consent, request: SummaryRequest, policyVersion: number): DenyReason | undefined {
  if (consent.withdrawn !== undefined) return "consentWithdrawn";
  if (consent.policyVersion !== policyVersion) return "consentOtherPolicy";
  if (consent.recipient !== request.recipient) return "recipientMismatch";
  if (consent.purpose !== request.purpose) return "purposeMismatch";
  // Written so that a time that is not a number denies.
  if (!(request.now >= consent.given && request.now < consent.expires)) return "consentExpired";
  return undefined;
}
