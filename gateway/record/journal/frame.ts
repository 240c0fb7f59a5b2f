import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { FieldwattError } from "../../../domain/model/index.ts";
import type { ReadingColumns } from "../blocks/columns.ts";
import { decodeColumns, encodeColumns } from "./codec.ts";

/**
 * A frame is what one commit writes: whole pages of 4 kB, because a disk writes no less, with a checksum over all of
 * them. Compression is tried only where it can save a page.
 *
 * Bytes, little-endian: 0 "FWfr" · 4 version · 5 bit 0: zstd · 8 number (64 bit) · 16 bytes stored · 20 bytes before
 * compression · 24 readings · 28 CRC-32 of the whole frame with this field as 0 · 32 payload, then zeros.
 */
export const PAGE_BYTES = 4_096;
/** Also of a segment's header. A program refuses what is newer than this. */
export const JOURNAL_VERSION = 1;
/** More readings than this are several frames of one commit. */
export const FRAME_READINGS_MAX = 20_000;
/** A reading of a stream of its own: 10 of number, count and kind, 8 of time, 8 of value, 1 of quality, 9 of sequence. */
const READING_BYTES_MAX = 40;
/** The largest frame, and what a damaged length may not exceed. */
export const FRAME_BYTES_MAX = FRAME_READINGS_MAX * READING_BYTES_MAX;

const MAGIC = 0x72_66_57_46;
const HEADER_BYTES = 32;
const CRC_AT = 28;
const ZSTD = 1;
const NO_CRC = Buffer.alloc(4);

export interface Frame {
  /** Counts up over the life of the record; never used twice. */
  readonly number: number;
  readonly columns: ReadingColumns;
}

export const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES);

export function encodeFrame({ number, columns }: Frame): Buffer<ArrayBuffer> {
  const plain = encodeColumns(columns);
  const payload = smaller(plain);
  const frame = Buffer.alloc(pagesOf(HEADER_BYTES + payload.length) * PAGE_BYTES);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt8(JOURNAL_VERSION, 4);
  frame.writeUInt8(payload === plain ? 0 : ZSTD, 5);
  frame.writeBigUInt64LE(BigInt(number), 8);
  frame.writeUInt32LE(payload.length, 16);
  frame.writeUInt32LE(plain.length, 20);
  frame.writeUInt32LE(columns.count, 24);
  payload.copy(frame, HEADER_BYTES);
  frame.writeUInt32LE(crc32(frame), CRC_AT);
  return frame;
}

/** The payload compressed, where that saves a page. */
function smaller(plain: Buffer): Buffer {
  if (HEADER_BYTES + plain.length <= PAGE_BYTES) return plain;
  const packed = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return pagesOf(HEADER_BYTES + packed.length) < pagesOf(HEADER_BYTES + plain.length) ? packed : plain;
}

/** The number of what claims to be a frame at this place, before its checksum is looked at. */
export function claimedNumber(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  return Number(bytes.readBigUInt64LE(at + 8));
}

/**
 * The frame at this place; undefined where there is none, or one that is torn or damaged. Throws RECORD_NEWER for a
 * whole frame of a newer program: every version keeps its length and checksum where they are.
 */
export function decodeFrame(bytes: Buffer, at: number): (Frame & { readonly bytes: number }) | undefined {
  const number = claimedNumber(bytes, at);
  if (number === undefined) return undefined;
  const stored = bytes.readUInt32LE(at + 16);
  const length = pagesOf(HEADER_BYTES + stored) * PAGE_BYTES;
  if (stored > FRAME_BYTES_MAX || at + length > bytes.length) return undefined;
  const frame = bytes.subarray(at, at + length);
  if (checksum(frame) !== frame.readUInt32LE(CRC_AT)) return undefined;
  refuseNewer(frame.readUInt8(4));
  const columns = payloadOf(frame, stored);
  return columns && { number, columns, bytes: length };
}

const checksum = (frame: Buffer): number =>
  crc32(frame.subarray(HEADER_BYTES), crc32(NO_CRC, crc32(frame.subarray(0, CRC_AT))));

export function refuseNewer(version: number): void {
  if (version <= JOURNAL_VERSION) return;
  const message = `The journal is of version ${version}; this program knows versions up to ${JOURNAL_VERSION}. Install a newer Fieldwatt.`;
  throw new FieldwattError("RECORD_NEWER", message);
}

function payloadOf(frame: Buffer, stored: number): ReadingColumns | undefined {
  const payload = frame.subarray(HEADER_BYTES, HEADER_BYTES + stored);
  const plainLength = frame.readUInt32LE(20);
  try {
    const plain =
      frame.readUInt8(5) & ZSTD ? zstdDecompressSync(payload, { maxOutputLength: FRAME_BYTES_MAX }) : payload;
    const columns = decodeColumns(plain);
    return plain.length === plainLength && columns.count === frame.readUInt32LE(24) ? columns : undefined;
  } catch {
    return undefined;
  }
}
