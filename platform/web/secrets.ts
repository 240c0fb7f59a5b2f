import { createHash, scrypt, timingSafeEqual } from "node:crypto";
import type { Entropy } from "../../domain/model/index.ts";

/**
 * Secrets of people. What is kept is never the secret: PINs and passwords as scrypt (RFC 7914) with a salt, random
 * tokens, which cannot be guessed, as SHA-256.
 */
const COST = 2 ** 14;
const BLOCK = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const derive = (secret: string, salt: Uint8Array, cost: number): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(secret.normalize("NFKC"), salt, HASH_BYTES, { N: cost, r: BLOCK, p: 1 }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );

/** "scrypt$16384$salt$hash", in base64url. */
export async function hashSecret(secret: string, entropy: Entropy): Promise<string> {
  const salt = entropy(SALT_BYTES);
  const key = await derive(secret, salt, COST);
  return ["scrypt", COST, Buffer.from(salt).toString("base64url"), key.toString("base64url")].join("$");
}

/** Takes the same time for a person without a secret (`kept` undefined) as for a wrong one; then always false. */
export async function verifySecret(secret: string, kept: string | undefined): Promise<boolean> {
  const [, cost = String(COST), salt = "", hash = ""] = (kept ?? "").split("$");
  const expected = Buffer.from(hash, "base64url");
  const key = await derive(secret, Buffer.from(salt, "base64url"), Number(cost));
  return expected.length === key.length && timingSafeEqual(expected, key);
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** 256 random bits as 43 letters that an address may hold. */
export const randomToken = (entropy: Entropy): string => Buffer.from(entropy(32)).toString("base64url");

/** Letters and digits that nobody mistakes for another: none of 0 O, 1 I L, 2 Z, 5 S, 8 B, U V. */
const CODE_LETTERS = "34679ACDEFGHJKMNPQRTWXY";
const CODE_LENGTH = 8;

/** A code to read out or write on paper, "H7KM-4QXA": 23^8, about 36 bits; wrong tries are counted. */
export function randomCode(entropy: Entropy): string {
  const bytes = Buffer.from(entropy(CODE_LENGTH * 2));
  const letters = Array.from(
    { length: CODE_LENGTH },
    (_, i) => CODE_LETTERS[bytes.readUInt16BE(i * 2) % CODE_LETTERS.length],
  );
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

/** What a person typed, as the code is kept: upper case, without spaces and hyphens. */
export const normaliseCode = (typed: string): string => typed.toUpperCase().replace(/[\s-]/g, "");
