import type { Reading } from "../../domain/model/index.ts";

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
