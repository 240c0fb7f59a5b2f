import { termOf, type Before } from "../../domain/governance/certificate.ts";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import { instant, type Instant } from "../../domain/model/index.ts";
import type { MadeUpOfficer } from "../../cli/demo/founding.ts";
import type { PolicyBody } from "../../protocol/decided.ts";
import { claimsJson, signClaims } from "../../protocol/governance.ts";
import { policyHash, votedPolicy } from "../../protocol/policy.ts";

/** Policies of a made-up co-op with certificates that hold: each follows the one before and keeps the data shorter. */
const offerFor = (retentionDays: number): object => ({
  ...{ lane: "ownAccount", id: "trading", title: "Trade", kind: "energyInterval", unit: "Wh" },
  ...{ purpose: "dpv:ServiceProvision", recipient: "hub-1", retentionDays, granularity: "hour" },
  recipientKey: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  window: { from: "2026-01-01T00:00:00Z", to: "2027-06-01T00:00:00Z" },
  expires: "2027-06-01T00:00:00Z",
});
const term = { effective: "2026-01-01T00:00:00Z", sunset: "2026-12-31T00:00:00Z" };

/** The certificate that two of the officers sign for a policy, at that time. */
export function certifiedBy(
  officers: readonly MadeUpOfficer[],
  policy: PolicyBody["policy"],
  { certified, before }: { readonly certified: Instant; readonly before?: Before | undefined },
): PolicyBody {
  const voted = votedPolicy.parse(policy);
  const claims = claimsJson({
    ...{ policy: voted.hash, policyVersion: voted.version, previous: voted.previous },
    ...{ proposal: "0".repeat(64), electorateRoot: "1".repeat(64), rule: DEFAULT_RULE },
    ...{ tally: { electorate: 6, yes: 6, no: 0, abstain: 0 }, closed: certified, certified },
    ...termOf(voted, { certified, rule: DEFAULT_RULE, before }),
  });
  const signatures = officers.slice(0, 2).map((officer) => signClaims(claims, officer));
  return { kind: "policy", policy, certificate: { certificate: claims, signatures } };
}

/** So many policies, one a day from the given time on, the oldest first. */
export function decidedBy(officers: readonly MadeUpOfficer[], versions: number, from: number): PolicyBody[] {
  const chain: PolicyBody[] = [];
  for (let version = 1; version <= versions; version++) {
    const last = chain.at(-1);
    const previous = last ? policyHash(last.policy) : null;
    const policy = { version, previous, ...term, offers: [offerFor(100 - version)] };
    const certified = instant(from + (version - 1) * 86_400_000);
    const before = last && { policy: votedPolicy.parse(last.policy), effective: certified };
    chain.push(certifiedBy(officers, policy, { certified, before }));
  }
  return chain;
}
