import { z } from "zod";
import { canonicalJson } from "./canonical.ts";
import { writtenCertificate, type WrittenCertificate } from "./governance.ts";
import { sha256Hex } from "./keys.ts";

/**
 * What the co-op has decided, told to the hub: each policy with its certificate, so that the hub can look for itself
 * whether what it gets was voted. The newest is told first; the hub says which one before it it lacks. Nothing in it is
 * about a member: a policy is public in its co-op, and a certificate counts votes.
 */
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** Upwards: one policy, as it was written. */
export const policyBody = z.strictObject({
  kind: z.literal("policy"),
  policy: z.record(z.string(), z.unknown()),
  certificate: writtenCertificate,
});
export type PolicyBody = z.infer<typeof policyBody>;

/** Downwards, once it is durable; whether the certificate holds is another matter. */
export const policyKeptBody = z.strictObject({
  kind: z.literal("policyKept"),
  /** The policy's hash, and `certificateDigest`: what exactly is kept. */
  policy: hash,
  certificate: hash,
  /** The hash of the nearest policy before it that the hub does not have; null where it has them all. */
  lacks: hash.nullable(),
});
export type PolicyKeptBody = z.infer<typeof policyKeptBody>;

/** SHA-256 of the canonical JSON, hexadecimal: another one where other officers have signed. */
export const certificateDigest = (certificate: WrittenCertificate): string =>
  sha256Hex(canonicalJson(certificate));
