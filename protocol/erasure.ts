import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { requestDigest } from "./erasure-digest.ts";
import { signJson, verifyJson } from "./keys.ts";

/**
 * Forgetting, between gateway and hub: a request to delete releases, and the hub's word on each of them.
 *
 * Both are documents with a signature of their own, besides the envelope's: each side keeps the other's, and can show
 * it to somebody else years later. A request is known by the SHA-256 of its canonical JSON, so that one that is sent
 * again gets the same answer.
 */

/** Releases that one request names: a message stays far below its limit. */
export const ERASURE_RELEASES_MAX = 2_000;

const name = z.string().min(1).max(64);
const time = z.int().nonnegative();
const sequence = z.int().positive();
const signature = z.string().max(100);

/** Why releases are to be forgotten. */
export const ERASURE_BECAUSE = ["consentWithdrawn", "consentExpired"] as const;

const unsignedRequest = z.strictObject({
  version: z.literal(1),
  gateway: name,
  hub: name,
  /** The gateway's time. */
  asked: time,
  offer: z.string().min(1).max(100),
  recipient: name,
  because: z.enum(ERASURE_BECAUSE),
  /** By the numbers under which they left. */
  releases: z.array(sequence).min(1).max(ERASURE_RELEASES_MAX),
});
export const erasureRequest = unsignedRequest.extend({ signature });
export type ErasureRequest = z.infer<typeof erasureRequest>;
export type UnsignedErasureRequest = z.infer<typeof unsignedRequest>;

/**
 * What became of a release. `deleted`: it is gone. `notHeld`: the hub had no such release, or deleted it before.
 * `inseparable`: it is part of a published group sum, which nobody can take one home out of. `lawfulHold`: the quarter
 * hour is settled; the figures are deleted but for the trade and its money, which are kept until `until`.
 */
export const ERASURE_OUTCOMES = ["deleted", "notHeld", "inseparable", "lawfulHold"] as const;
export type ErasureOutcome = (typeof ERASURE_OUTCOMES)[number];

const part = z.strictObject({
  outcome: z.enum(ERASURE_OUTCOMES),
  /** Of a lawful hold: when what is held is deleted, too. */
  until: time.optional(),
  releases: z.array(sequence).min(1).max(ERASURE_RELEASES_MAX),
});

const unsignedAnswer = z.strictObject({
  version: z.literal(1),
  hub: name,
  gateway: name,
  /** SHA-256 of the request (`requestDigest`), hexadecimal. */
  request: z.string().regex(/^[0-9a-f]{64}$/),
  /** The hub's time of the deletion. */
  answered: time,
  /** From then on the hub's storage files hold none of what was deleted, either. */
  filesCleanBy: time,
  /** From then on no backup of the hub does. */
  backupsCleanBy: time,
  parts: z.array(part).max(ERASURE_RELEASES_MAX),
});
export const erasureAnswer = unsignedAnswer.extend({ signature });
export type ErasureAnswer = z.infer<typeof erasureAnswer>;
export type UnsignedErasureAnswer = z.infer<typeof unsignedAnswer>;
export type ErasurePart = ErasureAnswer["parts"][number];

/** Upwards: one request at a time, again until it is answered. */
export const erasureBody = z.strictObject({ kind: z.literal("erasure"), request: erasureRequest });
/** Downwards. */
export const erasedBody = z.strictObject({ kind: z.literal("erased"), answer: erasureAnswer });

export const signRequest = (request: UnsignedErasureRequest, key: KeyObject): ErasureRequest => ({
  ...request,
  signature: signJson(request, key),
});

export const signAnswer = (answer: UnsignedErasureAnswer, key: KeyObject): ErasureAnswer => ({
  ...answer,
  signature: signJson(answer, key),
});

export const requestHolds = ({ signature: given, ...request }: ErasureRequest, key: KeyObject): boolean =>
  verifyJson(request, given, key);

/** True where the hub signed this answer, to this very request, and says what became of each release, once. */
export function answerHolds(answer: ErasureAnswer, request: ErasureRequest, key: KeyObject): boolean {
  const { signature: given, ...unsigned } = answer;
  const told = answer.parts.flatMap(({ releases }) => releases).toSorted((a, b) => a - b);
  const asked = request.releases.toSorted((a, b) => a - b);
  const whole = told.length === asked.length && told.every((one, at) => one === asked[at]);
  const toThis = answer.request === requestDigest(request) && answer.gateway === request.gateway;
  return whole && toThis && answer.hub === request.hub && verifyJson(unsigned, given, key);
}
