import type { Instant, VotedPolicy } from "../model/index.ts";

/** What breaks a chain of versions, and at which version. */
export interface ChainFault {
  readonly version: number;
  readonly because: "firstHasPrevious" | "versionSkipped" | "previousMismatch" | "termTooLong" | "termEmpty";
}

/** A policy lapses after twelve months unless it is voted again. */
export const LONGEST_TERM_MS = 366 * 86_400_000;

/**
 * The first fault of a chain of versions, oldest first, or undefined: each names the hash of the one before, so that
 * no version can be changed or left out unnoticed.
 */
export function chainFault(versions: readonly VotedPolicy[]): ChainFault | undefined {
  let before: VotedPolicy | undefined;
  for (const policy of versions) {
    const because = termFault(policy) ?? linkFault(before, policy);
    if (because) return { version: policy.version, because };
    before = policy;
  }
  return undefined;
}

function linkFault(before: VotedPolicy | undefined, policy: VotedPolicy): ChainFault["because"] | undefined {
  if (before === undefined)
    return policy.version === 1 && policy.previous !== null ? "firstHasPrevious" : undefined;
  if (policy.version !== before.version + 1) return "versionSkipped";
  return policy.previous === before.hash ? undefined : "previousMismatch";
}

/** Why a policy's own dates are wrong, or undefined. */
export function termFault({
  effective,
  sunset,
}: Pick<VotedPolicy, "effective" | "sunset">): ChainFault["because"] | undefined {
  if (!(sunset > effective)) return "termEmpty";
  return sunset - effective <= LONGEST_TERM_MS ? undefined : "termTooLong";
}

/**
 * The policy in force: of a whole chain the newest whose effective date has come, unless it has reached its sunset.
 * There is no way back to an older one.
 */
export function policyInForce(versions: readonly VotedPolicy[], now: Instant): VotedPolicy | undefined {
  if (chainFault(versions) !== undefined) return undefined;
  const newest = versions.findLast(({ effective }) => effective <= now);
  return newest !== undefined && now < newest.sunset ? newest : undefined;
}
