import { z } from "zod";
import {
  certificateFault,
  timeFault,
  type Before,
  type Claims,
  type LookedAt,
} from "../domain/governance/certificate.ts";
import type { GovernanceReason } from "../domain/governance/reasons.ts";
import { CHOICES, DEFAULT_RULE, type Threshold, type VotingRule } from "../domain/governance/vote.ts";
import {
  compareRationals,
  instant,
  rational,
  rationalFromText,
  rationalToText,
  type Instant,
  type MemberId,
  type VotedPolicy,
} from "../domain/model/index.ts";
import { canonicalJson } from "./canonical.ts";
import { publicKeyFromText, sha256Hex, signJson, verifyJson, type KeyPair } from "./keys.ts";
import { hashChildren, hashLeaf, type Hash } from "./merkle.ts";

/** How a co-op's decisions are written: the rule, a proposal, the certificate. docs/governance.md describes them. */
const MEMBERS_MAX = 10_000;
const DELAY_DAYS_MAX = 365;
const SIGNATURES_MAX = 8;
/** Longest texts of a proposal, characters. */
export const TITLE_MAX = 120;
export const DISCUSSION_MAX = 20_000;
const [NOTHING, HALF, WHOLE] = [rational(0n), rational(1n, 2n), rational(1n)];

const fraction = z
  .string()
  .regex(/^\d{1,6}(\/(?!0+$)\d{1,6})?$/, "write a fraction, for example 1/3")
  .transform(rationalFromText);
const quorum = fraction.refine(
  (part) => compareRationals(part, NOTHING) > 0 && compareRationals(part, WHOLE) <= 0,
  "a quorum is above 0 and at most 1",
);
/** Below one half the smaller side would win. */
const majority = fraction.refine(
  (part) => compareRationals(part, HALF) >= 0 && compareRationals(part, WHOLE) <= 0,
  "a majority is from 1/2 to 1",
);
const delayDays = z.int().min(0).max(DELAY_DAYS_MAX);
const threshold = z.strictObject({ majority, delayDays });

/** The rule in the site file: what is left out is the default. */
export const writtenRule = z
  .strictObject({
    quorum: quorum.exactOptional(),
    tighten: threshold.partial().exactOptional(),
    loosen: threshold.partial().exactOptional(),
  })
  .transform(({ quorum: part, tighten, loosen }): VotingRule => {
    const over = (own: typeof tighten, rule: Threshold): Threshold => ({
      majority: own?.majority ?? rule.majority,
      delayDays: own?.delayDays ?? rule.delayDays,
    });
    return {
      quorum: part ?? DEFAULT_RULE.quorum,
      tighten: over(tighten, DEFAULT_RULE.tighten),
      loosen: over(loosen, DEFAULT_RULE.loosen),
    };
  });

/** The same rule with every number, as it stands in a proposal and in a certificate. */
const votingRule: z.ZodType<VotingRule> = z.strictObject({ quorum, tighten: threshold, loosen: threshold });
export const ruleJson = ({ quorum: part, tighten, loosen }: VotingRule) => {
  const text = (one: Threshold) => ({ majority: rationalToText(one.majority), delayDays: one.delayDays });
  return { quorum: rationalToText(part), tighten: text(tighten), loosen: text(loosen) };
};

const officerName = z.string().min(1).max(80);
const officer = z.strictObject({
  name: officerName,
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "a public key is 43 characters of base64url"),
});
export type Officer = z.infer<typeof officer>;

/** How many officers a co-op has; two of them sign. */
const OFFICERS = 3;
const isKey = (text: string): boolean => {
  try {
    publicKeyFromText(text);
    return true;
  } catch {
    return false;
  }
};
const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** The officers of one co-op, as a site file and a hub file name them. */
export const coopOfficers = z
  .array(officer.refine(({ publicKey }) => isKey(publicKey), "this is not an Ed25519 public key"))
  .length(OFFICERS, `name ${OFFICERS} officers, each with a key; two of them sign`)
  .refine((all) => distinct(all.map(({ name }) => name)), "two officers have one name")
  .refine((all) => distinct(all.map(({ publicKey }) => publicKey)), "two officers have one key");

export const choice = z.enum(CHOICES);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.int().min(0).max(8_640_000_000_000_000).transform(instant);
const count = z.int().min(0).max(MEMBERS_MAX);

const certificateBody = z.strictObject({
  kind: z.literal("fieldwatt-policy-certificate"),
  format: z.literal(1),
  policy: hash,
  policyVersion: z.int().min(1),
  previous: hash.nullable(),
  proposal: hash,
  tally: z.strictObject({ electorate: count, yes: count, no: count, abstain: count }),
  rule: votingRule,
  electorateRoot: hash,
  ...{ closed: time, certified: time, effective: time, sunset: time },
});

const signature = z.strictObject({
  officer: officerName,
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});
export type OfficerSignature = z.infer<typeof signature>;

/** What the officers sign, as it is written. */
export type WrittenClaims = Readonly<Record<string, unknown>>;
export interface WrittenCertificate {
  readonly certificate: WrittenClaims;
  readonly signatures: readonly OfficerSignature[];
}

export const writtenCertificate: z.ZodType<WrittenCertificate> = z.strictObject({
  certificate: z.record(z.string(), z.unknown()),
  signatures: z.array(signature).max(SIGNATURES_MAX),
});

export const claimsJson = ({ rule, ...rest }: Claims): WrittenClaims => ({
  kind: "fieldwatt-policy-certificate",
  format: 1,
  ...rest,
  rule: ruleJson(rule),
});

/** @throws ZodError */
export function claimsOf(written: WrittenClaims): Claims {
  const { kind: _, format: __, ...claims } = certificateBody.parse(written);
  return claims;
}

export const signClaims = (
  claims: WrittenClaims,
  { name, keys }: { readonly name: string; readonly keys: KeyPair },
): OfficerSignature => ({ officer: name, signature: signJson(claims, keys.privateKey) });

/** Whether the signature is this officer's, under these claims; never throws. */
export function verifiesFor(
  claims: WrittenClaims,
  { signature: text }: OfficerSignature,
  publicKey: string,
): boolean {
  try {
    return verifyJson(claims, text, publicKeyFromText(publicKey));
  } catch {
    return false;
  }
}

export interface CertificateContext {
  readonly policy: VotedPolicy;
  readonly before: Before | undefined;
  readonly officers: readonly Officer[];
  /** The co-op's rule of today; undefined where the rule that the officers signed is enough. */
  readonly rule?: VotingRule;
  /** Where it is given, the certificate must also be in force at this moment. */
  readonly now?: Instant;
}

export type Verified =
  | { readonly valid: true; readonly claims: Claims }
  | { readonly valid: false; readonly because: GovernanceReason };

/** Whether a certificate holds for exactly this policy. Total: whatever cannot be read or looked at is a no. */
export function verifyCertificate(input: unknown, context: CertificateContext): Verified {
  try {
    const read = writtenCertificate.safeParse(input);
    const body = certificateBody.safeParse(read.data?.certificate);
    if (!read.success || !body.success) return { valid: false, because: "formInvalid" };
    const claims = claimsOf(read.data.certificate);
    const { policy, before, rule, now } = context;
    const signatures = lookAt(read.data, context.officers);
    const because =
      certificateFault({ claims, signatures, policy, before, ...(rule && { rule }) }) ??
      (now === undefined ? undefined : timeFault(claims, now));
    return because === undefined ? { valid: true, claims } : { valid: false, because };
  } catch {
    return { valid: false, because: "formInvalid" };
  }
}

const lookAt = ({ certificate, signatures }: WrittenCertificate, officers: readonly Officer[]): LookedAt[] =>
  signatures.map((one) => {
    const known = officers.find(({ name }) => name === one.officer);
    const verifies = known !== undefined && verifiesFor(certificate, one, known.publicKey);
    return { officer: one.officer, known: known !== undefined, verifies };
  });

/** The Merkle root (RFC 6962) over the sorted ids of those who may vote: who is in cannot be changed afterwards. */
export function electorateRoot(members: readonly MemberId[]): string {
  const leaves = [...new Set(members)].toSorted().map((id) => hashLeaf(Buffer.from(id)));
  return Buffer.from(treeRoot(leaves)).toString("hex");
}

function treeRoot(leaves: readonly Hash[]): Hash {
  const [first] = leaves;
  if (first === undefined) throw new RangeError("nobody may vote");
  if (leaves.length === 1) return first;
  const split = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return hashChildren(treeRoot(leaves.slice(0, split)), treeRoot(leaves.slice(split)));
}

/** A proposal as members read it; its hash stands in the certificate. */
export interface Proposal {
  readonly policy: string;
  readonly title: string;
  readonly discussion: string;
  readonly by: string;
  readonly opened: Instant;
  readonly closes: Instant;
  readonly electorate: number;
  readonly electorateRoot: string;
  readonly rule: VotingRule;
}

export const proposalJson = ({ rule, ...rest }: Proposal) => ({
  kind: "fieldwatt-policy-proposal",
  format: 1,
  ...rest,
  rule: ruleJson(rule),
});

export const proposalHash = (proposal: Proposal): string => sha256Hex(canonicalJson(proposalJson(proposal)));

const proposalSchema = z.strictObject({
  kind: z.literal("fieldwatt-policy-proposal"),
  format: z.literal(1),
  policy: hash,
  title: z.string().min(1).max(TITLE_MAX),
  discussion: z.string().max(DISCUSSION_MAX),
  by: z.string().min(1).max(80),
  opened: time,
  closes: time,
  electorate: count,
  electorateRoot: hash,
  rule: votingRule,
});

/** @throws ZodError */
export function proposalOf(written: unknown): Proposal {
  const { kind: _, format: __, ...proposal } = proposalSchema.parse(written);
  return proposal;
}
