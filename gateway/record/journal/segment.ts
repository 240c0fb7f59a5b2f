import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { claimedNumber, decodeFrame, JOURNAL_VERSION, PAGE_BYTES, refuseNewer, type Frame } from "./frame.ts";

/**
 * The journal's files. A segment is filled with zeros once and then written over and over: the file keeps its size
 * and its place, so a commit changes nothing but the frame's own pages (an append that grows a file costs four times
 * as much on ext4). Its first page says from which frame on it holds the journal; what is behind its last frame is
 * from an earlier round, which its smaller numbers tell.
 *
 * First page, little-endian: 0 "FWsg" · 4 version · 8 round (64 bit) · 16 first frame · 24 last frame of the journal
 * before it · 32 CRC-32 of bytes 0 to 31. Frames between the two were given up after a fault and never acknowledged.
 */
export const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Files that the journal may have; beyond it, it takes no more. */
export const SEGMENTS_MAX = 64;

const MAGIC = 0x67_73_57_46;
const CRC_AT = 32;
const NAME = /^(\d{4})\.segment$/;

export interface SegmentHeader {
  /** Counts up each time any segment is begun: the order of the segments. */
  readonly round: number;
  readonly firstFrame: number;
  readonly lastBefore: number;
}

export interface SegmentFile extends SegmentHeader {
  readonly path: string;
}

export function encodeHeader({ round, firstFrame, lastBefore }: SegmentHeader): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  page.writeUInt32LE(MAGIC, 0);
  page.writeUInt32LE(JOURNAL_VERSION, 4);
  page.writeBigUInt64LE(BigInt(round), 8);
  page.writeBigUInt64LE(BigInt(firstFrame), 16);
  page.writeBigUInt64LE(BigInt(lastBefore), 24);
  page.writeUInt32LE(crc32(page.subarray(0, CRC_AT)), CRC_AT);
  return page;
}

/** Undefined for a segment that was never begun, or whose first page is damaged. Throws RECORD_NEWER. */
function decodeHeader(page: Buffer): SegmentHeader | undefined {
  if (page.length < PAGE_BYTES || page.readUInt32LE(0) !== MAGIC) return undefined;
  if (crc32(page.subarray(0, CRC_AT)) !== page.readUInt32LE(CRC_AT)) return undefined;
  refuseNewer(page.readUInt32LE(4));
  const number = (at: number): number => Number(page.readBigUInt64LE(at));
  return { round: number(8), firstFrame: number(16), lastBefore: number(24) };
}

export const segmentPath = (folder: string, slot: number): string =>
  join(folder, `${String(slot).padStart(4, "0")}.segment`);

/** The paths of all segments, begun or not. */
export function segmentPaths(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => NAME.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

export const readHeader = (path: string): SegmentHeader | undefined =>
  decodeHeader(readBytes(path, PAGE_BYTES));

/** Bytes from the start of a file, all of them where no number is given; fewer where it is shorter. */
function readBytes(path: string, bytes?: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const wanted = bytes ?? fstatSync(fd).size;
    const buffer = Buffer.allocUnsafe(wanted);
    let read = 0;
    for (let more = 1; more > 0 && read < wanted; read += more)
      more = readSync(fd, buffer, read, wanted - read, read);
    return buffer.subarray(0, read);
  } finally {
    closeSync(fd);
  }
}

export interface Located extends Frame {
  /** Where it begins in its file, and how long it is. */
  readonly at: number;
  readonly bytes: number;
}

/** A segment's content, read at once. */
export const readSegment = (path: string): Buffer => readBytes(path);

/**
 * The frames of a segment with a number of at least `from`, from the place `start` on, in order. A damaged page is
 * stepped over: a later frame of the same round tells itself by a number that is larger than the one before.
 */
export function* framesOf(
  bytes: Buffer,
  { from, start = PAGE_BYTES }: { from: number; start?: number },
): Generator<Located> {
  let expected = from;
  for (let at = start; at < bytes.length;) {
    const number = claimedNumber(bytes, at);
    const frame = number !== undefined && number >= expected ? decodeFrame(bytes, at) : undefined;
    if (frame) {
      yield { ...frame, at };
      expected = frame.number + 1;
    }
    at += frame?.bytes ?? PAGE_BYTES;
  }
}
