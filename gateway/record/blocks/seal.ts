import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { damaged } from "./bytes.ts";

/**
 * Bytes that are packed once and read for years.
 *
 *   byte 0      form: what is inside
 *   byte 1      0 plain, 1 zstd
 *   bytes 2-5   CRC-32 of byte 0, byte 1 and the body, little-endian: no flipped bit passes unseen
 *   body
 */
const HEAD_BYTES = 6;
const PLAIN = 0;
const ZSTD = 1;
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const COMPRESSION_LEVEL = 12;

export function seal(form: number, body: Uint8Array): Uint8Array {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL } };
  const packed = zstdCompressSync(body, options);
  const kept = packed.length < body.length ? packed : body;
  const bytes = Buffer.alloc(HEAD_BYTES + kept.length);
  bytes[0] = form;
  bytes[1] = kept === packed ? ZSTD : PLAIN;
  bytes.set(kept, HEAD_BYTES);
  bytes.writeUInt32LE(checksum(bytes), 2);
  return bytes;
}

const checksum = (bytes: Uint8Array): number =>
  crc32(bytes.subarray(HEAD_BYTES), crc32(bytes.subarray(0, 2)));

/** @throws FieldwattError RECORD_BLOCK_DAMAGED */
export function unseal(form: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEAD_BYTES || bytes[0] !== form) throw damaged("its head is not known");
  const told = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(2);
  if (checksum(bytes) !== told) throw damaged("its checksum does not fit");
  const body = bytes.subarray(HEAD_BYTES);
  if (bytes[1] === PLAIN) return body;
  try {
    return zstdDecompressSync(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch {
    throw damaged("it cannot be unpacked");
  }
}
