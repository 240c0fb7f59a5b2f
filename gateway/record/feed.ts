import type { DatabaseSync } from "node:sqlite";
import { FieldwattError, instant, messageOf, type Reading } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { sequenceAt, type ReadingColumns } from "./blocks/columns.ts";
import { openRow, prepare, type BlockRow } from "./blocks/rows.ts";
import { framesAfter, segmentsOf } from "./journal/replay.ts";
import { QUALITIES, type JournalState } from "./messages.ts";
import type { StreamNames } from "./stream-names.ts";

/** A place in the order of commits: text, to be kept as it is and handed back. */
export type FeedCursor = string;

/** Before the first reading of the record. */
export const FEED_START: FeedCursor = "0";

export interface FeedBatch {
  readonly readings: readonly Reading[];
  /** Where to go on; equal to the cursor given when there is nothing new. */
  readonly cursor: FeedCursor;
}

/**
 * Readings in the order of their commits, for whoever passes them on: late readings come when they arrived, not where
 * they belong. A sender's repetition may come again; a receiver tells it by (stream, time, sequence).
 */
export interface Feed {
  /**
   * What was committed after `cursor`: about `max` readings at most, yet always at least one frame or block whole.
   * Throws MESSAGE_INVALID for a cursor that the feed did not make.
   */
  after(cursor: FeedCursor, max: number): FeedBatch;
  /** Resolves when there is something after `cursor`, or the signal aborts. */
  wait(cursor: FeedCursor, signal: AbortSignal): Promise<void>;
  /** The place after the last commit, for a receiver that wants only what is to come. */
  end(): FeedCursor;
}

/** Readings of the last commits that stay in memory: a receiver that keeps up never reads the disk. */
const RECENT_READINGS = 10_000;

export interface FeedOptions {
  readonly folder: string;
  readonly read: DatabaseSync;
  readonly names: StreamNames;
  journal(): JournalState;
  readonly log?: Logger;
}

interface Recent {
  /** The last frame of the commit before this one. */
  readonly before: number;
  readonly last: number;
  readonly columns: ReadingColumns;
}

interface Place {
  readonly frame: number;
  /** In the blocks: all up to this one, of those with this last frame, were given. */
  readonly block?: number;
}

/**
 * A cursor is the number of a frame. Recent commits come from memory, older ones from the journal's files, and what
 * these do not hold any more from the blocks, in the order of the last frame that each holds ("frame:block").
 */
export class RecordFeed implements Feed {
  private readonly options: FeedOptions;
  private readonly recent: Recent[] = [];
  private recentReadings = 0;
  private readonly waiting = new Set<() => void>();

  constructor(options: FeedOptions) {
    this.options = options;
  }

  /** A commit: its columns are read later, and must not change. */
  kept(before: number, last: number, columns: ReadingColumns): void {
    this.recent.push({ before, last, columns });
    this.recentReadings += columns.count;
    while (this.recentReadings > RECENT_READINGS && this.recent.length > 1)
      this.recentReadings -= this.recent.shift()?.columns.count ?? 0;
    for (const wake of this.waiting) wake();
  }

  /** The writer began anew: what it found in the journal was never here. Or some of it is deleted. */
  forget(): void {
    this.recent.length = 0;
    this.recentReadings = 0;
    for (const wake of this.waiting) wake();
  }

  after(cursor: FeedCursor, max: number): FeedBatch {
    const place = this.placeOf(cursor);
    if (place.block !== undefined) return this.fromBlocks(place, max);
    if (place.frame === this.options.journal().last) return { readings: [], cursor };
    if (place.frame >= Number(this.recent[0]?.before ?? Infinity)) return this.fromRecent(place.frame, max);
    return this.fromJournal(place.frame, max) ?? this.fromBlocks(place, max);
  }

  async wait(cursor: FeedCursor, signal: AbortSignal): Promise<void> {
    const { frame, block } = this.placeOf(cursor);
    if (signal.aborted || block !== undefined || frame < this.options.journal().last) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  end(): FeedCursor {
    return String(this.options.journal().last);
  }

  private placeOf(cursor: FeedCursor): Place {
    const [, frame, block] = /^(\d{1,15})(?::(\d{1,15}))?$/.exec(cursor) ?? [];
    if (frame === undefined)
      throw new FieldwattError("MESSAGE_INVALID", `"${cursor}" is no place in the record's feed.`);
    const { last, packed } = this.options.journal();
    // Of a record that had come further (a journal that was removed): rather twice than not at all.
    if (Number(frame) > last) return { frame: packed };
    return { frame: Number(frame), ...(block !== undefined && { block: Number(block) }) };
  }

  private fromRecent(frame: number, max: number): FeedBatch {
    const readings: Reading[] = [];
    let cursor = frame;
    for (const { last, columns } of this.recent) {
      if (last <= frame) continue;
      if (readings.length >= max) break;
      this.collect(columns, readings);
      cursor = last;
    }
    return { readings, cursor: String(cursor) };
  }

  /** Undefined where the journal does not reach back so far. */
  private fromJournal(frame: number, max: number): FeedBatch | undefined {
    const { folder, journal } = this.options;
    const readings: Reading[] = [];
    let cursor = journal().last;
    for (const { number, columns } of framesAfter(folder, frame)) {
      if (number > journal().last) break;
      this.collect(columns, readings);
      if (readings.length < max) continue;
      cursor = number;
      break;
    }
    // Looked at afterwards: a segment may have been begun anew while its frames were read.
    const first = segmentsOf(folder)[0];
    return first && first.lastBefore <= frame ? { readings, cursor: String(cursor) } : undefined;
  }

  private fromBlocks({ frame, block }: Place, max: number): FeedBatch {
    const { read, journal } = this.options;
    const sql = `SELECT id, device, readings, last_frame, data FROM block
      WHERE (last_frame, id) > (?, ?) AND last_frame <= ? ORDER BY last_frame, id`;
    const { packed } = journal();
    const readings: Reading[] = [];
    for (const row of prepare(read, sql).iterate(frame, block ?? Number.MAX_SAFE_INTEGER, packed)) {
      const found = row as unknown as Pick<BlockRow, "id" | "device" | "readings" | "last_frame" | "data">;
      this.collectBlock(found, readings);
      if (readings.length >= max) return { readings, cursor: `${found.last_frame}:${found.id}` };
    }
    return { readings, cursor: String(Math.max(frame, packed)) };
  }

  private collectBlock(row: Pick<BlockRow, "id" | "device" | "readings" | "data">, into: Reading[]): void {
    try {
      const block = openRow(row);
      for (const stream of block.streams) {
        const series = block.series(stream);
        if (series) this.collect({ ...series, streams: new Uint32Array(series.count).fill(stream) }, into);
      }
    } catch (error) {
      this.options.log?.error({ block: row.id, because: messageOf(error) }, "the feed leaves a block out");
    }
  }

  private collect(columns: ReadingColumns, into: Reading[]): void {
    for (let at = 0; at < columns.count; at++) {
      const sequence = sequenceAt(columns, at);
      into.push({
        stream: this.options.names.name(Number(columns.streams[at])),
        time: instant(Number(columns.times[at])),
        value: Number(columns.values[at]),
        quality: QUALITIES[Number(columns.qualities[at])] ?? "implausible",
        ...(sequence !== 0 && { sequence }),
      });
    }
  }
}
