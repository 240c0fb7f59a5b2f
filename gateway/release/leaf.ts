import { sha256Hex } from "../../protocol/keys.ts";

/** Leaf hash of RFC 6962, section 2.1: SHA-256(0x00 || bytes), so that a leaf can never pass for an inner node. */
export const leafHash = (bytes: string): string =>
  sha256Hex(Buffer.concat([Uint8Array.of(0), Buffer.from(bytes)]));
