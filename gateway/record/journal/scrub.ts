import type { JournalDisk } from "./disk.ts";
import { PAGE_BYTES } from "./frame.ts";
import { encodeHeader, framesOf, readSegment, type SegmentFile } from "./segment.ts";

/**
 * Taking readings out of the journal's files for good. A segment is written over and over, so that behind its frames
 * lie those of earlier rounds for as long as nobody writes there; for those who asked to be forgotten that is too long.
 */

/** Overwrites a whole file with zeros: nothing of the journal is in it any more. */
export function blank(disk: JournalDisk, path: string): void {
  write(disk, path, [{ at: 0, bytes: Buffer.alloc(readSegment(path).length) }]);
}

/**
 * Overwrites all that a segment holds besides the frames above `packed`. Its first page says that it begins there, so
 * that nobody takes what is gone for what was never committed. A power cut in the middle loses none of those frames:
 * where the first page is damaged, they tell where the segment begins.
 */
export function keepAbove<Segment extends SegmentFile>(
  disk: JournalDisk,
  segment: Segment,
  packed: number,
): Segment {
  const bytes = readSegment(segment.path);
  const begins = {
    firstFrame: Math.max(segment.firstFrame, packed + 1),
    lastBefore: Math.max(segment.lastBefore, packed),
  };
  const kept = [...framesOf(bytes, { from: begins.firstFrame })];
  const zeros: { readonly at: number; readonly bytes: Buffer }[] = [];
  let at = PAGE_BYTES;
  for (const frame of [...kept, { at: bytes.length, bytes: 0 }]) {
    if (frame.at > at) zeros.push({ at, bytes: Buffer.alloc(frame.at - at) });
    at = frame.at + frame.bytes;
  }
  const begun = { ...segment, ...begins };
  write(disk, segment.path, [{ at: 0, bytes: encodeHeader(begun) }, ...zeros]);
  return begun;
}

function write(
  disk: JournalDisk,
  path: string,
  parts: readonly { readonly at: number; readonly bytes: Uint8Array }[],
): void {
  const fd = disk.open(path);
  try {
    for (const { at, bytes } of parts) disk.write(fd, bytes, at);
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}
