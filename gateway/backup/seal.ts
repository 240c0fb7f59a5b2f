import { createCipheriv, createDecipheriv, scryptSync } from "node:crypto";
import { FieldwattError } from "../../domain/model/index.ts";

/**
 * A backup lies on a stick that anyone can pick up, so it is sealed by a passphrase.
 *
 * The key comes from scrypt (RFC 7914) with a salt of its own for each backup. The bytes are cut into chunks, each
 * sealed with AES-256-GCM (NIST SP 800-38D) under a nonce that is never used twice with one key: the number of the
 * chunk, and whether it is the last. That is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a
 * chunk that is changed, exchanged, repeated or missing at the end does not open. Chunks also make a backup
 * resumable: those that open are done.
 */
export interface SealHeader {
  readonly format: "fieldwatt-backup";
  readonly version: 1;
  /** scrypt's cost (N), block size (r) and parallelism (p): 64 MB of memory, which a small Pi has. */
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number };
  /** base64. */
  readonly salt: string;
  /** Bytes of the plain text in each chunk but the last. */
  readonly chunkBytes: number;
}

export const CHUNK_BYTES = 1024 * 1024;
export const TAG_BYTES = 16;
export const SALT_BYTES = 16;
const KEY_BYTES = 32;
const SCRYPT = { N: 65_536, r: 8, p: 2 } as const;
/** A header that asks for more was not written by us, and would take the machine's memory. */
const SCRYPT_MEMORY_MAX = 256 * 1024 * 1024;

export const newHeader = (salt: Uint8Array): SealHeader => ({
  format: "fieldwatt-backup",
  version: 1,
  scrypt: SCRYPT,
  salt: Buffer.from(salt).toString("base64"),
  chunkBytes: CHUNK_BYTES,
});

export interface Seal {
  /** One sealed chunk: the cipher text and its tag of 16 bytes. */
  close(index: number, last: boolean, plain: Uint8Array): Buffer;
  /** The plain text. Throws BACKUP_DAMAGED where the chunk was changed, or the passphrase is another. */
  open(index: number, last: boolean, sealed: Uint8Array): Buffer;
}

/** @param header is authenticated with every chunk: a header that was changed opens nothing */
export function openSeal(passphrase: string, header: SealHeader): Seal {
  const { N, r, p } = header.scrypt;
  const memory = 128 * N * r + 128 * r * p;
  if (!(memory <= SCRYPT_MEMORY_MAX))
    throw new FieldwattError("BACKUP_INVALID", `The backup asks for ${memory} bytes of memory to open it.`);
  const key = scryptSync(passphrase.normalize("NFKC"), Buffer.from(header.salt, "base64"), KEY_BYTES, {
    N,
    r,
    p,
    maxmem: memory + 1024 * 1024,
  });
  const associated = Buffer.from(JSON.stringify(header));
  return {
    close(index, last, plain) {
      const cipher = createCipheriv("aes-256-gcm", key, nonceOf(index, last)).setAAD(associated);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(index, last, sealed) {
      if (sealed.length < TAG_BYTES) throw damaged(index);
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(index, last), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(associated).setAuthTag(sealed.subarray(end));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
      } catch {
        throw damaged(index);
      }
    },
  };
}

const damaged = (index: number): FieldwattError =>
  new FieldwattError(
    "BACKUP_DAMAGED",
    index === 0
      ? "The backup does not open: the passphrase is wrong, or its beginning is damaged."
      : `The backup is damaged or cut off in chunk ${index} (from byte ${index * CHUNK_BYTES} of what it holds).`,
  );

/** 96 bits: the chunk's number, big-endian, then 1 for the last chunk. */
function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 0);
  nonce.writeUInt8(last ? 1 : 0, 11);
  return nonce;
}
