import { createHmac } from "node:crypto";
import type { MemberId } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { sha256Hex } from "../../protocol/keys.ts";

/** What the egress log says of one release: enough to check it, nothing that tells whose it is. */
export interface Leaf {
  readonly version: 1;
  readonly offer: string;
  /** What the summary covers, ms: [from, to). */
  readonly window: { readonly from: number; readonly to: number };
  /** SHA-256 of the policy's canonical JSON. */
  readonly policy: string;
  readonly recipient: string;
  /** SHA-256 of the exact bytes that leave. */
  readonly digest: string;
  /** The privacy budget spent, a fraction such as "1/2"; absent for an exact figure. */
  readonly epsilon?: string;
  /** A commitment for each member inside, in the order of their text. */
  readonly members: readonly string[];
}

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
