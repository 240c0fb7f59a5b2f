import type { Consent, Decision, DenyReason, Instant } from "../model/index.ts";
import { decideSummary, type SummaryRequest } from "./summary-gate.ts";

/** The question once more, about something that was released and has waited for its recipient since. */
export interface SendingRequest extends SummaryRequest {
  /** When it was released. */
  readonly released: Instant;
}

/**
 * The decision at the moment of sending: what the gate would say now, and besides that the yes must have stood without
 * a break since the release. A later yes never reaches back, so that what was taken back stays taken back.
 */
export function decideSending(request: SendingRequest): Decision {
  const decision = decideSummary(request);
  if (decision.kind === "deny") return decision;
  const broken = breakOf(request);
  return broken === undefined ? decision : { kind: "deny", because: broken };
}

/** Why the yes did not stand all the time from the release until now, or undefined when it did. */
function breakOf({
  released,
  now,
  policy,
  consents,
  member,
  offer,
  purpose,
  recipient,
}: SendingRequest): DenyReason | undefined {
  const matching = consents
    .filter(
      (one) =>
        one.member === member &&
        one.offer === offer &&
        one.purpose === purpose &&
        one.recipient === recipient &&
        one.policyVersion === policy?.version,
    )
    .toSorted((a, b) => a.given - b.given);
  let stoodUntil: number = released;
  let stood = false;
  for (const one of matching) {
    if (one.given > stoodUntil) break;
    const end = endOf(one);
    // A consent that had ended at the release says nothing of what came after.
    if (end > stoodUntil) [stoodUntil, stood] = [end, true];
  }
  if (stood && stoodUntil > now) return undefined;
  const withdrawn = matching.some((one) => one.withdrawn !== undefined && one.withdrawn >= released);
  return withdrawn ? "consentWithdrawn" : "consentExpired";
}

const endOf = ({ expires, withdrawn }: Consent): number => Math.min(expires, withdrawn ?? Infinity);

/**
 * What is no member's choice and may pass: nothing leaves while it holds, and nothing is thrown away for it. Every
 * other reason is final for what waits.
 */
const PASSING: readonly DenyReason[] = ["clockUntrusted", "noPolicy", "policyInvalid", "policyNotYet"];

export const mayPass = (because: DenyReason): boolean => PASSING.includes(because);
