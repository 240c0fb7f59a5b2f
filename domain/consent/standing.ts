import {
  REASONS,
  type DenyReason,
  type GuardianMandate,
  type Instant,
  type PinnedConsent,
  type Span,
  type VotedOffer,
  type VotedPolicy,
} from "../model/index.ts";
import { allows, rulesFor, type Rules } from "./limits.ts";

/** What a consent is held against. */
export interface Asked {
  readonly now: Instant;
  readonly policy: VotedPolicy;
  readonly offer: VotedOffer;
  readonly rules: Rules;
  readonly window: Span;
}

/** How a member stands to an offer: in, with the group that they want at least, or out, and why. */
export type Standing =
  | { readonly stands: true; readonly leastMembers: number }
  | { readonly stands: false; readonly because: DenyReason };

/**
 * One consent that stands is enough. A withdrawal ends every yes that was given until then, in whatever order they are
 * told; so taking a yes away, or adding a no, never brings a member in.
 *
 * @param consents of one member to this offer; to another offer they count for nothing
 */
export function standingOf(consents: readonly PinnedConsent[], asked: Asked): Standing {
  const own = consents.filter((consent) => consent.offer === asked.offer.id);
  let withdrawnUpTo = -Infinity;
  for (const { withdrawn } of own)
    if (withdrawn !== undefined && withdrawn > withdrawnUpTo) withdrawnUpTo = withdrawn;
  let leastMembers = Infinity;
  let last: { given: number; because: DenyReason } | undefined;
  for (const consent of own) {
    const because = refusalOf(consent, { ...asked, withdrawnUpTo });
    if (because === undefined)
      leastMembers = Math.min(leastMembers, rulesFor(asked.rules, consent.limits).leastMembers);
    else last = laterRefusal(last, { given: consent.given, because });
  }
  if (leastMembers < Infinity) return { stands: true, leastMembers };
  return { stands: false, because: last?.because ?? "noConsent" };
}

const ORDER = new Map(Object.keys(REASONS).map((reason, i) => [reason, i]));
const rank = (reason: DenyReason): number => ORDER.get(reason) ?? 0;

type Refusal = { readonly given: number; readonly because: DenyReason };

/** The refusal of the consent that was given last speaks for all; of two at once, the first in the table. */
function laterRefusal(a: Refusal | undefined, b: Refusal): Refusal {
  if (a === undefined || b.given > a.given) return b;
  return b.given === a.given && rank(b.because) < rank(a.because) ? b : a;
}

function refusalOf(
  consent: PinnedConsent,
  { now, policy, offer, rules, window, withdrawnUpTo }: Asked & { withdrawnUpTo: number },
): DenyReason | undefined {
  if (consent.policyVersion !== policy.version || consent.policyHash !== policy.hash)
    return "consentOtherPolicy";
  if (consent.purpose !== offer.purpose) return "purposeMismatch";
  if (consent.recipient !== offer.recipient) return "recipientMismatch";
  if (consent.withdrawn !== undefined || consent.given <= withdrawnUpTo) return "consentWithdrawn";
  // Each is written so that a time that is not a number denies.
  if (!(now >= consent.given)) return "consentNotYet";
  if (!(now < consent.expires)) return "consentExpired";
  const mandate = consent.guardian && mandateRefusal(consent.guardian, consent, now);
  if (mandate) return mandate;
  return allows(rulesFor(rules, consent.limits), rules, window) ? undefined : "limitStricter";
}

/** A guardian's yes holds only as long as the mandate does: afterwards the member is asked again. */
function mandateRefusal(
  { member, scope, from, until, revoked }: GuardianMandate,
  consent: PinnedConsent,
  now: Instant,
): DenyReason | undefined {
  const inScope = scope === "all" || scope.includes(consent.offer);
  if (member !== consent.member || !inScope || !(consent.given >= from)) return "mandateScope";
  if (revoked !== undefined || !(now < until)) return "mandateEnded";
  return undefined;
}
