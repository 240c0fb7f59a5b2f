import type { DatabaseSync } from "node:sqlite";
import { timeFault } from "../../domain/governance/certificate.ts";
import { GOVERNANCE_REASONS, type GovernanceReason } from "../../domain/governance/reasons.ts";
import { type ActivePolicy, type Clock, type Instant } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { verifyCertificate, type Officer } from "../../protocol/governance.ts";
import { beforeOf, chainOf, within, type Link } from "./chain.ts";

/** Why no policy is in force: none was voted, the site file names no officers, or its certificate does not hold. */
export type NoPolicy = GovernanceReason | "noOfficers" | "noneVoted" | "unreadable";

export const NO_POLICY_WORDS: Readonly<Record<NoPolicy, string>> = {
  ...GOVERNANCE_REASONS,
  noOfficers: "the site file names no officers (governance:)",
  noneVoted: "the co-op has voted none yet",
  unreadable: "the chain of policies cannot be read",
};

/** How the co-op's policy stands at this moment. */
export type PolicyStanding =
  | { readonly kind: "inForce"; readonly link: Link; readonly waiting?: Link }
  | { readonly kind: "none"; readonly because: NoPolicy; readonly waiting?: Link };

export interface Governance {
  /** The policy that releases are decided under, or why there is none. Reads the record at each call. */
  readonly activePolicy: () => ActivePolicy;
  readonly standing: () => PolicyStanding;
}

export interface GovernanceOptions {
  readonly read: DatabaseSync;
  readonly clock: Pick<Clock, "now">;
  /** Undefined where the site file says nothing of governance. */
  readonly officers: readonly Officer[] | undefined;
  readonly log: Pick<Logger, "info" | "error">;
}

/**
 * The policy in force, of the chain in the record: the newest whose time has come, and only while its certificate and
 * those of every later one hold for exactly these policies. There is no falling back to an older one. Signatures are
 * looked at again only when the chain has changed; the time at every call.
 */
export function openGovernance({ read, clock, officers, log }: GovernanceOptions): Governance {
  // Every step of a vote leaves an event.
  const mark = read.prepare("SELECT max(id) AS last FROM policy_event");
  let seen: { readonly last: unknown; readonly looked: Looked } | undefined;
  let told: string | undefined;
  const look = (): Looked => {
    try {
      const last = mark.get()?.last;
      if (seen?.last !== last) seen = { last, looked: lookAt(read, officers) };
      return seen?.looked ?? [];
    } catch {
      return { because: "unreadable" };
    }
  };
  const standing = (): PolicyStanding => {
    const now = standingAt(look(), clock.now());
    const words = wordsOf(now);
    if (words !== told) tell(now, log);
    told = words;
    return now;
  };
  return {
    standing,
    activePolicy() {
      const now = standing();
      if (now.kind === "inForce") return { policy: within(now.link) };
      return { because: denyReason(now.because) };
    },
  };
}

const denyReason = (because: NoPolicy) =>
  because === "sunsetPassed"
    ? ("policySunset" as const)
    : because === "notYetEffective"
      ? ("policyNotYet" as const)
      : because === "noneVoted"
        ? ("noPolicy" as const)
        : ("policyUncertified" as const);

/** A link with what is wrong with its certificate, whatever the time is. */
type Looked =
  readonly { readonly link: Link; readonly fault?: GovernanceReason }[] | { readonly because: NoPolicy };

/** Throws where the chain cannot be read. */
function lookAt(read: DatabaseSync, officers: readonly Officer[] | undefined): Looked {
  if (!officers) return { because: "noOfficers" };
  const chain = chainOf(read);
  return chain.map((link, place) => {
    const before = beforeOf(chain[place - 1]);
    const verified = verifyCertificate(link.certificate, { policy: link.policy, before, officers });
    return { link, ...(!verified.valid && { fault: verified.because }) };
  });
}

function standingAt(looked: Looked, now: Instant): PolicyStanding {
  if ("because" in looked) return { kind: "none", because: looked.because };
  if (looked.length === 0) return { kind: "none", because: "noneVoted" };
  const place = looked.findLastIndex(({ link }) => link.effective <= now);
  const last = looked.at(-1)?.link;
  const waiting = last !== undefined && last.effective > now ? { waiting: last } : {};
  // Officers of earlier years signed what came before: that is history, and held by the hashes.
  const fault = looked.slice(Math.max(0, place)).find(({ fault: one }) => one !== undefined)?.fault;
  if (fault) return { kind: "none", because: fault, ...waiting };
  const link = looked[place]?.link;
  if (!link) return { kind: "none", because: "notYetEffective", ...waiting };
  const late = timeFault(link, now);
  return late ? { kind: "none", because: late, ...waiting } : { kind: "inForce", link, ...waiting };
}

const wordsOf = (standing: PolicyStanding): string =>
  standing.kind === "inForce" ? standing.link.policy.hash : standing.because;

function tell(standing: PolicyStanding, log: GovernanceOptions["log"]): void {
  if (standing.kind === "inForce") {
    const { version, hash } = standing.link.policy;
    log.info({ version, hash }, "the policy in force");
    return;
  }
  log.error({ because: NO_POLICY_WORDS[standing.because] }, "no policy is in force: nothing is released");
}
