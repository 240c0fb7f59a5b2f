import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify as verifyBytes,
  type KeyObject,
} from "node:crypto";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { canonicalJson } from "./canonical.ts";

/** Ed25519 (RFC 8032) keys; a public key travels as the 32 raw bytes in base64url. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function generateKeyPair(): KeyPair {
  return generateKeyPairSync("ed25519");
}

export function keyPairFromPem(pem: string): KeyPair {
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== "ed25519")
      throw new Error(`it is a ${privateKey.asymmetricKeyType} key`);
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } catch (cause) {
    throw new FieldwattError(
      "KEY_INVALID",
      `This is not an Ed25519 private key in PEM: ${messageOf(cause)}`,
      { cause },
    );
  }
}

export const privateKeyToPem = (key: KeyObject): string =>
  key.export({ type: "pkcs8", format: "pem" }).toString();

export const publicKeyToText = (key: KeyObject): string => {
  const { x } = key.export({ format: "jwk" });
  if (x === undefined) throw new FieldwattError("KEY_INVALID", "This key has no public part");
  return x;
};

export function publicKeyFromText(text: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: text }, format: "jwk" });
  } catch (cause) {
    throw new FieldwattError(
      "KEY_INVALID",
      "This is not an Ed25519 public key (43 characters of base64url)",
      { cause },
    );
  }
}

/** Base64url signature of the canonical JSON of `value`. */
export const signJson = (value: unknown, key: KeyObject): string =>
  signBytes(null, Buffer.from(canonicalJson(value)), key).toString("base64url");

export const verifyJson = (value: unknown, signature: string, key: KeyObject): boolean =>
  verifyBytes(null, Buffer.from(canonicalJson(value)), key, Buffer.from(signature, "base64url"));

/** SHA-256 in lower-case hexadecimal. */
export const sha256Hex = (bytes: string | Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");
