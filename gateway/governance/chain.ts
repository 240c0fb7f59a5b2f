import type { DatabaseSync } from "node:sqlite";
import type { Before } from "../../domain/governance/certificate.ts";
import { instant, type Instant, type VotedPolicy } from "../../domain/model/index.ts";
import { claimsOf, writtenCertificate, type WrittenCertificate } from "../../protocol/governance.ts";
import { votedPolicy } from "../../protocol/policy.ts";

/** A version that was activated, with its certificate: one link of the co-op's chain. */
export interface Link {
  readonly policy: VotedPolicy;
  /** The policy as it was written: what its hash is of. */
  readonly written: unknown;
  readonly certificate: WrittenCertificate;
  readonly effective: Instant;
  readonly sunset: Instant;
  readonly activated: Instant;
}

/** Every version that was activated, oldest first. Throws where a row cannot be read: then nothing is in force. */
export function chainOf(db: DatabaseSync): readonly Link[] {
  const rows = db.prepare("SELECT policy, certificate, activated FROM policy_version ORDER BY version").all();
  return rows.map(({ policy, certificate, activated }) => {
    const written: unknown = JSON.parse(String(policy));
    const paper = writtenCertificate.parse(JSON.parse(String(certificate)));
    const { effective, sunset } = claimsOf(paper.certificate);
    return {
      ...{ policy: votedPolicy.parse(written), written, certificate: paper, effective, sunset },
      activated: instant(Number(activated)),
    };
  });
}

export const beforeOf = (link: Link | undefined): Before | undefined =>
  link && { policy: link.policy, effective: link.effective };

/** A policy within the term of its certificate, which is never longer than its own. */
export const within = ({ policy, effective, sunset }: Link): VotedPolicy => ({
  ...policy,
  effective,
  sunset,
});
