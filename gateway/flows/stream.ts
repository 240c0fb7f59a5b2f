import type { Reading } from "../../domain/model/index.ts";
import type { Feed, FeedCursor } from "../record/feed.ts";
import { mayHear, type Rights } from "./rights.ts";

/** What a listener gets at a time: the readings that it may hear, and where to go on. */
export interface StreamBatch {
  readonly readings: readonly Reading[];
  readonly cursor: FeedCursor;
}

/** Readings taken of the feed at a time. */
const READINGS_AT_ONCE = 500;

export interface StreamOptions {
  readonly feed: Pick<Feed, "after" | "wait" | "end">;
  /** Where it goes on, "end" for what is to come. */
  readonly cursor: FeedCursor;
  /** Patterns of streams, "*" for one part; all where empty. */
  readonly only: (stream: string) => boolean;
  /** Undefined once the token is no good any more: the stream ends. */
  rights(): Rights | undefined;
  readonly signal: AbortSignal;
}

/**
 * Readings in the order of their commits, from a place on: whoever keeps the cursor of what it took goes on there after
 * an outage, without a gap and without a double. A batch without readings says how far the feed has come.
 * Throws MESSAGE_INVALID for a cursor that the feed did not make.
 */
export async function* readingsFrom({
  feed,
  cursor: from,
  only,
  rights,
  signal,
}: StreamOptions): AsyncGenerator<StreamBatch> {
  let cursor = from === "end" ? feed.end() : from;
  yield { readings: [], cursor };
  for (;;) {
    await feed.wait(cursor, signal);
    const own = signal.aborted ? undefined : rights();
    if (!own) return;
    const batch = feed.after(cursor, READINGS_AT_ONCE);
    const heard = batch.readings.filter(({ stream }) => mayHear(own, stream) && only(stream));
    cursor = batch.cursor;
    yield { readings: heard, cursor };
  }
}
