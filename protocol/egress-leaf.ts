import { createHmac } from "node:crypto";
import type { z } from "zod";
import type { MemberId } from "../domain/model/index.ts";
import { canonicalJson } from "./canonical.ts";
import type { leafSchema } from "./egress-leaf-schema.ts";
import { sha256Hex } from "./keys.ts";

/** What the egress log says of one release, see `leafSchema`. */
export type Leaf = Readonly<z.infer<typeof leafSchema>>;

/** The name under which a gateway signs the heads of its egress log; a log that was begun anew has a later epoch. */
export const egressLogName = (gateway: string, epoch = 1): string =>
  `fieldwatt/${gateway}/egress${epoch === 1 ? "" : `/${epoch}`}`;

/** The epoch of a log of this gateway; undefined for another name. */
export function egressEpochOf(name: string, gateway: string): number | undefined {
  const [, epoch = "1"] = /\/egress(?:\/([1-9]\d{0,8}))?$/.exec(name) ?? [];
  return egressLogName(gateway, Number(epoch)) === name ? Number(epoch) : undefined;
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
