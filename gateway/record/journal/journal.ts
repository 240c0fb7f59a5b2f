import { mkdirSync, rmSync, statSync } from "node:fs";
import { FieldwattError } from "../../../domain/model/index.ts";
import type { ReadingColumns } from "../blocks/columns.ts";
import type { LostFrames } from "../state.ts";
import { realDisk, type JournalDisk } from "./disk.ts";
import { encodeFrame, PAGE_BYTES } from "./frame.ts";
import { framesAfter, holesIn, seenIn, segmentsOf, whenLost } from "./replay.ts";
import { blank, keepAbove } from "./scrub.ts";
import {
  encodeHeader,
  framesOf,
  readHeader,
  readSegment,
  SEGMENT_BYTES,
  segmentPath,
  segmentPaths,
  SEGMENTS_MAX,
  type SegmentFile,
} from "./segment.ts";

/**
 * The journal: what makes an acknowledgement true. A commit is one write of whole pages and one `fdatasync`.
 *
 * After any fault of the disk the segment in use is left, because what a failed sync left behind is unknown (the
 * kernel forgets the pages that it could not write). The commit is rejected, its numbers are given up, and the next
 * one begins another segment, whose first page says so. When the disk has room again, that simply succeeds.
 */

/** Frames that are packed stay for the feed as long as they are among the last bytes of the journal. */
export const FEED_KEPT_BYTES = 16 * 1024 * 1024;
/** A new segment is made ready when this share of the one in use is full. */
const AHEAD = 0.75;

export interface JournalOptions {
  readonly folder: string;
  /** The last frame whose readings are packed. */
  readonly packed: number;
  readonly disk?: JournalDisk;
  readonly segmentBytes?: number;
  readonly keptBytes?: number;
}

interface Segment extends SegmentFile {
  readonly size: number;
  /** Where the next frame goes. */
  end: number;
}

export interface Opened {
  readonly journal: Journal;
  /** What is committed and not packed, in order. */
  readonly columns: readonly ReadingColumns[];
  readonly damaged: readonly LostFrames[];
}

/** Opens the journal and reads what is not packed. Throws RECORD_NEWER, or what the disk throws. */
export function openJournal(options: JournalOptions, after: number): Opened {
  const { folder, packed } = options;
  mkdirSync(folder, { recursive: true });
  removeUnfinished(folder, options.segmentBytes ?? SEGMENT_BYTES);
  const frames = [...framesAfter(folder, after)];
  const numbers = frames.map(({ number }) => number);
  const holes = holesIn(folder, after, numbers);
  const damaged = holes.map((hole) => whenLost(hole, frames.map(seenIn)));
  const columns = frames.map((frame) => frame.columns);
  return { journal: new Journal(options, Math.max(packed, after, numbers.at(-1) ?? 0)), columns, damaged };
}

/** A segment that was being made when the power went. */
function removeUnfinished(folder: string, bytes: number): void {
  for (const path of segmentPaths(folder)) if (statSync(path).size < bytes && !readHeader(path)) rmSync(path);
}

export class Journal {
  private readonly folder: string;
  private readonly disk: JournalDisk;
  private readonly segmentBytes: number;
  private readonly keptBytes: number;
  /** Oldest first; the last one is in use while `fd` is set. */
  private readonly segments: Segment[] = [];
  /** Segments that hold nothing; the ones that just failed come last. */
  private spare: string[];
  private suspects: string[] = [];
  private fd: number | undefined;
  private packed: number;
  private last: number;
  private next: number;

  constructor({ folder, packed, disk, segmentBytes, keptBytes }: JournalOptions, last: number) {
    this.folder = folder;
    this.disk = disk ?? realDisk;
    this.segmentBytes = segmentBytes ?? SEGMENT_BYTES;
    this.keptBytes = keptBytes ?? FEED_KEPT_BYTES;
    this.packed = packed;
    this.segments = segmentsOf(folder).map((segment) => {
      const { size } = statSync(segment.path);
      return { ...segment, size, end: size };
    });
    const begun = new Set(this.segments.map(({ path }) => path));
    this.spare = segmentPaths(folder).filter((path) => !begun.has(path));
    this.last = Math.max(last, ...this.segments.map(({ lastBefore }) => lastBefore));
    this.next = Math.max(this.last + 1, ...this.segments.map(({ firstFrame }) => firstFrame));
    this.reopenLast();
  }

  /** The number of the last frame on the disk. */
  get lastFrame(): number {
    return this.last;
  }

  /** Bytes of all its files. */
  get bytes(): number {
    return (this.segments.length + this.spare.length + this.suspects.length) * this.segmentBytes;
  }

  /**
   * One commit. When this returns, the readings are on the disk, in frames up to `lastFrame`; when it throws they are
   * not, and must not be acknowledged.
   * @returns bytes written
   */
  append(parts: readonly ReadingColumns[]): number {
    const first = this.next;
    // Also after a fault: a number that was on its way to the disk is never used again.
    this.next += parts.length;
    let bytes = 0;
    try {
      for (const [i, columns] of parts.entries()) {
        const number = first + i;
        const frame = encodeFrame({ number, columns });
        this.write(frame, { number, lastBefore: i === 0 ? this.last : number - 1 });
        bytes += frame.length;
      }
      this.sync();
      this.last = this.next - 1;
      return bytes;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Everything up to this frame is packed: segments that the feed does not need either may be used again. */
  release(packed: number): void {
    this.packed = Math.max(this.packed, packed);
  }

  /** Takes what is packed out of the files for good, and whatever else they hold besides the frames that are not. */
  scrub(): void {
    const given = this.segments.splice(0);
    for (const [i, segment] of given.entries()) {
      const next = given[i + 1];
      const gone = next !== undefined && next.lastBefore <= this.packed;
      if (gone) this.spare.push(segment.path);
      else this.segments.push(keepAbove(this.disk, segment, this.packed));
    }
    for (const path of [...this.spare, ...this.suspects]) blank(this.disk, path);
  }

  /** Between two commits: makes a segment ready, so that no commit waits for it. A full disk shows at the commit. */
  prepare(): void {
    const current = this.segments.at(-1);
    if (this.fd === undefined || !current || current.end < this.segmentBytes * AHEAD) return;
    if (this.spare.length > 0 || this.reusable() || this.files >= SEGMENTS_MAX) return;
    try {
      this.spare.push(this.create());
    } catch {
      return;
    }
  }

  close(): void {
    if (this.fd !== undefined) this.disk.close(this.fd);
    this.fd = undefined;
  }

  private get files(): number {
    return this.segments.length + this.spare.length + this.suspects.length;
  }

  /** Goes on behind the last frame of the last segment. */
  private reopenLast(): void {
    const last = this.segments.at(-1);
    if (!last) return;
    last.end = PAGE_BYTES;
    for (const frame of framesOf(readSegment(last.path), { from: last.firstFrame }))
      last.end = frame.at + frame.bytes;
    try {
      this.fd = this.disk.open(last.path);
    } catch {
      // The next commit begins another segment, or says why it cannot.
      return;
    }
  }

  private write(frame: Buffer, place: { readonly number: number; readonly lastBefore: number }): void {
    const current = this.segments.at(-1);
    if (this.fd === undefined || !current || current.size - current.end < frame.length) {
      this.sync();
      this.begin(place.number, place.lastBefore);
    }
    const segment = this.segments.at(-1);
    if (this.fd === undefined || !segment) throw new FieldwattError("RECORD_FAILED", "no segment is open");
    this.disk.write(this.fd, frame, segment.end);
    segment.end += frame.length;
  }

  private sync(): void {
    if (this.fd !== undefined) this.disk.sync(this.fd);
  }

  private begin(firstFrame: number, lastBefore: number): void {
    this.close();
    const path = this.take();
    const round = Math.max(0, ...this.segments.map((segment) => segment.round)) + 1;
    const segment = { path, round, firstFrame, lastBefore, size: this.segmentBytes, end: PAGE_BYTES };
    // In the list before the disk is touched: after a fault `leave` finds it there.
    this.segments.push(segment);
    this.fd = this.disk.open(path);
    this.disk.write(this.fd, encodeHeader(segment), 0);
  }

  private take(): string {
    const path = this.spare.shift() ?? this.recycle();
    if (path !== undefined) return path;
    try {
      return this.create();
    } catch (error) {
      const suspect = this.suspects.shift();
      if (suspect === undefined) throw error;
      return suspect;
    }
  }

  private create(): string {
    if (this.files >= SEGMENTS_MAX)
      throw new FieldwattError(
        "RECORD_FAILED",
        `The journal has ${SEGMENTS_MAX} segments that are not packed.`,
      );
    const taken = new Set(segmentPaths(this.folder));
    for (let slot = 1; ; slot++) {
      const path = segmentPath(this.folder, slot);
      if (taken.has(path)) continue;
      this.disk.create(path, this.segmentBytes);
      return path;
    }
  }

  /** The oldest segment, where neither packing nor the feed needs it. */
  private reusable(): boolean {
    const later = this.segments.slice(1);
    const needed = Math.min(...later.map(({ lastBefore }) => lastBefore)) > this.packed;
    const kept = later.reduce((bytes, { end }) => bytes + end, 0);
    return later.length > 0 && !needed && kept >= this.keptBytes;
  }

  private recycle(): string | undefined {
    return this.reusable() ? this.segments.shift()?.path : undefined;
  }

  /** After a fault: the segment in use is not written again before it is begun anew. */
  private leave(): void {
    try {
      this.close();
    } catch {
      this.fd = undefined;
    }
    for (let last = this.segments.at(-1); last && last.firstFrame > this.last; last = this.segments.at(-1)) {
      this.segments.pop();
      this.suspects.push(last.path);
    }
  }
}
