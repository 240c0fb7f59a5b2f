import { createHash, sign, verify, type KeyObject } from "node:crypto";
import { canonicalJson } from "../canonical.ts";
import { publicKeyFromText, publicKeyToText, type KeyPair } from "../keys.ts";
import type { Json } from "./dpv.ts";

/**
 * A receipt under the gateway's signature: the W3C's Data Integrity proof "eddsa-jcs-2022" (www.w3.org/TR/vc-di-eddsa,
 * 3.3), which is Ed25519 over the canonical JSON of RFC 8785. The key travels with it as a did:key; whoever checks
 * compares it with the one that the co-op published.
 */
const SUITE = {
  type: "DataIntegrityProof",
  cryptosuite: "eddsa-jcs-2022",
  proofPurpose: "assertionMethod",
} as const;
/** The multicodec of an Ed25519 public key, before its 32 bytes. */
const MULTICODEC = Buffer.from([0xed, 0x01]);

/** The key as a did:key, and as the one verification method in it. */
export function methodOf(publicKey: KeyObject): string {
  const key = multibase(Buffer.concat([MULTICODEC, Buffer.from(publicKeyToText(publicKey), "base64url")]));
  return `did:key:${key}#${key}`;
}

/** @param created as ISO 8601 @returns the receipt with its proof */
export function seal(receipt: Json, { privateKey, publicKey }: KeyPair, created: string): Json {
  const config = { ...SUITE, created, verificationMethod: methodOf(publicKey) };
  return {
    ...receipt,
    proof: { ...config, proofValue: multibase(sign(null, digestOf(receipt, config), privateKey)) },
  };
}

/** Whether the receipt is as it was signed, by the key that it names or by `key` where that is known from elsewhere. */
export function sealHolds(sealed: Json, key?: KeyObject): boolean {
  const { proof, ...receipt } = sealed;
  if (typeof proof !== "object" || proof === null) return false;
  const { proofValue, ...config } = proof as Json;
  const { type, cryptosuite, verificationMethod } = config;
  if (type !== SUITE.type || cryptosuite !== SUITE.cryptosuite || typeof proofValue !== "string")
    return false;
  const named = keyOf(String(verificationMethod));
  const signature = fromMultibase(proofValue);
  if (!named || !signature || (key && methodOf(key) !== verificationMethod)) return false;
  return verify(null, digestOf(receipt, config), named, signature);
}

/** SHA-256 of the proof's configuration, then of the document; the configuration takes the document's context. */
function digestOf(receipt: Json, config: Json): Buffer {
  const hash = (value: unknown): Buffer => createHash("sha256").update(canonicalJson(value)).digest();
  const context = "@context" in receipt ? { "@context": receipt["@context"] } : {};
  return Buffer.concat([hash({ ...context, ...config }), hash(receipt)]);
}

function keyOf(method: string): KeyObject | undefined {
  const bytes = fromMultibase(/^did:key:(z\w+)#\1$/.exec(method)?.[1] ?? "");
  if (bytes?.length !== 34 || !bytes.subarray(0, 2).equals(MULTICODEC)) return undefined;
  return publicKeyFromText(bytes.subarray(2).toString("base64url"));
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Base 58 of Bitcoin with its multibase letter. */
function multibase(bytes: Buffer): string {
  let text = "";
  for (let left = BigInt(`0x${bytes.toString("hex") || "0"}`); left > 0n; left /= 58n)
    text = ALPHABET.charAt(Number(left % 58n)) + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return `z${"1".repeat(zeros < 0 ? bytes.length : zeros)}${text}`;
}

function fromMultibase(text: string): Buffer | undefined {
  if (!/^z[1-9A-HJ-NP-Za-km-z]{1,200}$/.test(text)) return undefined;
  const digits = text.slice(1);
  const number = [...digits].reduce((sum, char) => sum * 58n + BigInt(ALPHABET.indexOf(char)), 0n);
  const hex = number.toString(16);
  const zeros = /^1*/.exec(digits)?.[0].length ?? 0;
  const bytes = number === 0n ? "" : hex.padStart(hex.length + (hex.length % 2), "0");
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(bytes, "hex")]);
}
