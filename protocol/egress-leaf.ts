import { createHmac } from "node:crypto";
import { z } from "zod";
import type { MemberId } from "../domain/model/index.ts";
import { canonicalJson } from "./canonical.ts";
import { sha256Hex } from "./keys.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What the egress log says of one release: enough to check it, nothing that tells whose it is. */
export const leafSchema = z.strictObject({
  version: z.literal(1),
  offer: z.string(),
  /** What the summary covers, ms: [from, to). */
  window: z.strictObject({ from: z.int(), to: z.int() }),
  /** SHA-256 of the policy's canonical JSON. */
  policy: z.union([sha256, z.literal("")]),
  recipient: z.string(),
  /** SHA-256 of the exact bytes that leave. */
  digest: sha256,
  /** The privacy budget spent, a fraction such as "1/2"; absent for an exact figure. */
  epsilon: z.string().optional(),
  /** A commitment for each member inside, in the order of their text. */
  members: z.array(sha256),
});
export type Leaf = Readonly<z.infer<typeof leafSchema>>;

/** The bytes that are hashed into the tree. */
export const leafText = (leaf: Leaf): string => canonicalJson(leaf);

/** A member's place in a release, which only one who knows the salt can tell. */
export interface Commitment {
  /** 128 bits, hex. */
  readonly salt: string;
  /** SHA-256(salt || member), hex. */
  readonly hash: string;
}

export const commit = (salt: string, member: string): string =>
  sha256Hex(Buffer.concat([Buffer.from(salt, "hex"), Buffer.from(member)]));

/**
 * The salt comes from the gateway's secret and the summary, so that it need not be kept, and two releases about one
 * member cannot be told to be about the same.
 */
export function commitmentOf(secret: Uint8Array, member: MemberId, summary: number): Commitment {
  const salt = createHmac("sha256", secret).update(`leaf\n${member}\n${summary}`).digest("hex").slice(0, 32);
  return { salt, hash: commit(salt, member) };
}
