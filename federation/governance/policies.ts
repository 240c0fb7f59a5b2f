import type { Before } from "../../domain/governance/certificate.ts";
import type { GovernanceReason } from "../../domain/governance/reasons.ts";
import { FieldwattError, type VotedPolicy } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { certificateDigest, type PolicyBody, type PolicyKeptBody } from "../../protocol/decided.ts";
import {
  claimsOf,
  verifyCertificate,
  writtenCertificate,
  type Officer,
  type WrittenCertificate,
} from "../../protocol/governance.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import type { Queryable, Storage } from "../storage/index.ts";

/**
 * What the gateways' co-ops decided, as their gateways tell it: each policy with its certificate is kept, and looked at
 * with the keys that the hub file names for that co-op. Nothing is refused for a certificate that does not hold: what
 * came under it is shown on the operator's page.
 */

/** Policies kept of one gateway: at one vote a week, twenty years. */
const POLICIES_MAX = 1_000;

/** Why a certificate is not known to hold here: the verifier's reason, no keys to look with, or no policy before it. */
export type PolicyFault = GovernanceReason | "officersUnknown" | "previousMissing";

/** The officers of each gateway's co-op, where the hub file names them. */
export type CoopOfficers = ReadonlyMap<string, readonly Officer[]>;

export interface ToldPolicy {
  readonly gateway: string;
  readonly body: PolicyBody;
  readonly now: number;
}

/** Keeps a policy in the transaction. @throws FieldwattError MESSAGE_INVALID for what is no policy */
export type KeepPolicy = (tx: Queryable, told: ToldPolicy) => Promise<PolicyKeptBody>;

export const policyKeeperOf =
  (officers: CoopOfficers): KeepPolicy =>
  async (tx, told) => {
    const { gateway, body } = told;
    const policy = policyOf(body.policy);
    await keep(tx, told, policy);
    const chain = await judge(tx, gateway, officers.get(gateway));
    return {
      kind: "policyKept",
      policy: policy.hash,
      certificate: certificateDigest(body.certificate),
      lacks: lackedBefore(policy, chain),
    };
  };

/** Looks at everything that is kept once more: the hub file may name other officers than before. */
export async function judgeAll(storage: Storage, officers: CoopOfficers): Promise<void> {
  await storage.transaction(async (tx) => {
    for (const { gateway } of await tx.query("SELECT DISTINCT gateway FROM policy ORDER BY gateway"))
      await judge(tx, String(gateway), officers.get(String(gateway)));
  });
}

function policyOf(written: unknown): VotedPolicy {
  const read = votedPolicy.safeParse(written);
  if (read.success) return read.data;
  throw new FieldwattError("MESSAGE_INVALID", `This is no policy: ${read.error.issues[0]?.message}`);
}

/** The same policy again brings its certificate of today: officers who were elected since sign it once more. */
async function keep(tx: Queryable, { gateway, body, now }: ToldPolicy, policy: VotedPolicy): Promise<void> {
  const { effective, sunset } = termOf(body.certificate, policy);
  const kept = await tx.query(
    `INSERT INTO policy (gateway, hash, version, policy, certificate, told, effective, sunset, covered)
     SELECT $1, $2, $3::integer, $4, $5, $6::bigint, $7::bigint, $8::bigint, false
     WHERE (SELECT count(*) FROM policy WHERE gateway = $1 AND hash <> $2) < ${POLICIES_MAX}
     ON CONFLICT (gateway, hash) DO UPDATE SET certificate = $5, told = $6::bigint, effective = $7::bigint, sunset = $8::bigint
     RETURNING hash`,
    [
      ...[gateway, policy.hash, policy.version],
      ...[canonicalJson(body.policy), canonicalJson(body.certificate), now, effective, sunset],
    ],
  );
  if (kept.length === 0)
    throw new FieldwattError("MESSAGE_INVALID", `More than ${POLICIES_MAX} policies of one gateway`);
}

/** The term that the certificate says; the policy's own where the certificate cannot be read. */
function termOf(
  { certificate }: WrittenCertificate,
  policy: VotedPolicy,
): Pick<VotedPolicy, "effective" | "sunset"> {
  try {
    return claimsOf(certificate);
  } catch {
    return policy;
  }
}

interface Link extends Before {
  readonly certificate: WrittenCertificate;
}

type Chain = ReadonlyMap<string, Link>;

/** Looks at each certificate of a gateway, and writes down what was found. @returns all its policies by their hashes */
async function judge(
  tx: Queryable,
  gateway: string,
  officers: readonly Officer[] | undefined,
): Promise<Chain> {
  const chain = await chainOf(tx, gateway);
  const covered = new Set<string>();
  // The newest first: a certificate that holds names by its hash the policy before, whoever signed that in its time.
  for (const [hash, link] of [...chain].toReversed()) {
    const fault = faultOf(link, chain, officers);
    if (fault === undefined) covered.add(hash);
    const { previous } = link.policy;
    if (covered.has(hash) && previous !== null) covered.add(previous);
    await tx.query("UPDATE policy SET fault = $3, covered = $4 WHERE gateway = $1 AND hash = $2", [
      ...[gateway, hash, fault ?? null, covered.has(hash)],
    ]);
  }
  return chain;
}

/** In the order of the versions. */
async function chainOf(tx: Queryable, gateway: string): Promise<Chain> {
  const sql =
    "SELECT hash, policy, certificate, effective FROM policy WHERE gateway = $1 ORDER BY version, hash";
  const rows = await tx.query(sql, [gateway]);
  const links = rows.map(({ hash, policy: text, certificate }): [string, Link] => {
    const policy = votedPolicy.parse(JSON.parse(String(text)));
    const paper = writtenCertificate.parse(JSON.parse(String(certificate)));
    return [String(hash), { policy, certificate: paper, effective: termOf(paper, policy).effective }];
  });
  return new Map(links);
}

function faultOf(
  { policy, certificate }: Link,
  chain: Chain,
  officers: readonly Officer[] | undefined,
): PolicyFault | undefined {
  if (officers === undefined) return "officersUnknown";
  const before = policy.previous === null ? undefined : chain.get(policy.previous);
  if (policy.previous !== null && before === undefined) return "previousMissing";
  const verified = verifyCertificate(certificate, { policy, before, officers });
  return verified.valid ? undefined : verified.because;
}

function lackedBefore(policy: VotedPolicy, chain: Chain): string | null {
  let { previous } = policy;
  // Each step goes to a lower number, or the hashes would not be what they are: it ends.
  for (let steps = 0; steps <= chain.size && previous !== null; steps++) {
    const link = chain.get(previous);
    if (!link) return previous;
    ({ previous } = link.policy);
  }
  return null;
}
