import {
  type DenyReason,
  type Instant,
  type MemberId,
  type PinnedConsent,
  type Span,
  type SummaryKind,
} from "../model/index.ts";
import { standingIn, type Moment } from "./asked.ts";

/** The question once more, about something that was released and has waited for its recipient since. */
export interface Waiting {
  readonly kind: SummaryKind;
  readonly offer: string;
  readonly purpose: string;
  readonly recipient: string;
  readonly window: Span;
  /** Everyone whom it is about. */
  readonly members: readonly MemberId[];
  /** When it was released. */
  readonly released: Instant;
}

/**
 * The decision at the moment of sending: everyone inside must stand to the offer now, and besides that their yes must
 * have stood without a break since the release. A later yes never reaches back, so that what was taken back stays taken
 * back; and nothing is computed again without those who left. Total: any error is a refusal.
 * @returns why it may not be sent, or undefined
 */
export function sendingRefusal(moment: Moment, waiting: Waiting): DenyReason | undefined {
  try {
    const offer = moment.policy?.offers.find(({ id }) => id === waiting.offer);
    if (waiting.members.length === 0) return "error";
    for (const member of waiting.members) {
      const standing = standingIn(moment, { ...waiting, member });
      if (!standing.stands) return standing.because;
      if (standing.leastMembers > waiting.members.length) return "limitStricter";
      const broken = breakOf(moment, member, waiting);
      if (broken) return broken;
    }
    if (offer?.kind !== waiting.kind) return "kindMismatch";
    if (offer.purpose !== waiting.purpose) return "purposeMismatch";
    return offer.recipient === waiting.recipient ? undefined : "recipientMismatch";
  } catch {
    return "error";
  }
}

/** Why a member's yes did not stand all the time from the release until now, or undefined when it did. */
function breakOf(
  { now, policy, consents }: Moment,
  member: MemberId,
  { released, offer }: Waiting,
): DenyReason | undefined {
  const own = consents
    .filter((one) => one.member === member && one.offer === offer && one.policyHash === policy?.hash)
    .toSorted((a, b) => a.given - b.given);
  let stoodUntil: number = released;
  let stood = false;
  for (const one of own) {
    if (one.given > stoodUntil) break;
    const end = endOf(one);
    // A consent that had ended at the release says nothing of what came after.
    if (end > stoodUntil) [stoodUntil, stood] = [end, true];
  }
  if (stood && stoodUntil > now) return undefined;
  const withdrawn = own.some((one) => one.withdrawn !== undefined && one.withdrawn >= released);
  return withdrawn ? "consentWithdrawn" : "consentExpired";
}

const endOf = ({ expires, withdrawn }: PinnedConsent): number => Math.min(expires, withdrawn ?? Infinity);

/**
 * What is no member's choice and may pass: nothing leaves while it holds, and nothing is thrown away for it. Every
 * other reason is final for what waits.
 */
const PASSING: readonly DenyReason[] = [
  "clockUntrusted",
  "noPolicy",
  "policyUncertified",
  "policyInvalid",
  "policyNotYet",
  "policySunset",
  "recipientSuspended",
];

export const mayPass = (because: DenyReason): boolean => PASSING.includes(because);
