import { setTimeout as wait } from "node:timers/promises";
import { hasCode, messageOf, type Instant, type Reading } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { FEED_START, type Feed, type FeedBatch, type FeedCursor } from "../record/feed.ts";

/**
 * A sink follows the record: it takes what was committed, in that order, from where it was when it last said "done".
 * It holds one batch. When what it writes to is away it waits, and the readings wait in the record: nothing that
 * commits ever waits for a sink.
 */
/** Where a follower writes to. */
export interface Target {
  /**
   * Resolves when all of it is kept there for good, with how many readings were refused for ever; rejects when it
   * should be tried again. What it took before a rejection comes again: it must not double.
   */
  write(slice: FeedBatch, signal: AbortSignal): Promise<{ readonly refused: number }>;
}

export interface SinkState {
  readonly name: string;
  readonly connected: boolean;
  /** Readings that the record has and the sink's other end has not; absent while it is not known. */
  readonly behind?: number;
  /** Age of the newest reading that waits, s; 0 where none does. */
  readonly behindSeconds: number;
  /** Readings written and refused since start. */
  readonly written: number;
  readonly refused: number;
  /** What went wrong last, in words; kept until something else does. */
  readonly fault?: { readonly message: string; readonly time: Instant };
}

export interface Follower extends AsyncDisposable {
  state(): SinkState;
}

export interface FollowOptions {
  readonly name: string;
  readonly feed: Pick<Feed, "after" | "wait" | "end">;
  readonly target: Target;
  /** Where it goes on. */
  readonly cursor: FeedCursor;
  /** Keeps the cursor; absent where the target does. */
  save?(cursor: FeedCursor): Promise<unknown>;
  /** Readings asked for at a time; the feed may give some more. */
  readonly batch: number;
  /** How long readings gather for a batch, ms. */
  readonly gatherMs: number;
  /** Readings newly kept since the record was opened. */
  committed(): number;
  now(): Instant;
  readonly log: Pick<Logger, "warn" | "info">;
  /** In real time; another in tests. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

/** The pause before another try, ms: doubled each time up to the longest. */
const FIRST_PAUSE_MS = 500;
export const LONGEST_PAUSE_MS = 60_000;
/** Between two notes of the cursor: each is a commit on the card, and what comes twice after a crash does not double. */
const SAVE_MS = 30_000;

export const realPause = (ms: number, signal: AbortSignal): Promise<void> =>
  wait(ms, undefined, { signal, ref: false }).catch(() => undefined);

export const openFollower = (options: FollowOptions): Follower => new RecordFollower(options);

class RecordFollower implements Follower {
  private readonly options: FollowOptions;
  private readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private cursor: FeedCursor;
  private saved: FeedCursor;
  private savedAt = performance.now();
  private pending: readonly Reading[] = [];
  /** What the record had committed when all of it was taken; undefined before the first time. */
  private taken: number | undefined;
  private connected = false;
  private written = 0;
  private refused = 0;
  private fault: SinkState["fault"];

  constructor(options: FollowOptions) {
    this.options = options;
    this.pause = options.pause ?? realPause;
    this.cursor = this.saved = options.cursor;
    this.running = this.run();
  }

  state(): SinkState {
    const { name, committed, now } = this.options;
    const newest = this.pending.at(-1)?.time;
    return {
      name,
      connected: this.connected,
      ...(this.taken !== undefined && {
        behind: Math.max(0, committed() - this.taken + this.pending.length),
      }),
      behindSeconds: newest === undefined ? 0 : Math.max(0, Math.round((now() - newest) / 1_000)),
      written: this.written,
      refused: this.refused,
      ...(this.fault && { fault: this.fault }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
    await this.save();
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.step(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.fail(error);
        // A cursor of another record, a restored backup: all of it again, which does not double.
        if (hasCode(error, "MESSAGE_INVALID")) this.cursor = FEED_START;
        await this.pause(Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS), signal);
      }
    }
  }

  private async step(signal: AbortSignal): Promise<void> {
    const slice = await this.next(signal);
    if (signal.aborted) return;
    this.pending = slice.readings;
    if (slice.readings.length > 0) {
      const { refused } = await this.options.target.write(slice, signal);
      this.well();
      this.refused += refused;
      this.written += slice.readings.length - refused;
    }
    this.pending = [];
    this.cursor = slice.cursor;
    if (performance.now() - this.savedAt > SAVE_MS) await this.save();
  }

  private async next(signal: AbortSignal): Promise<FeedBatch> {
    const { feed, batch, gatherMs } = this.options;
    await feed.wait(this.cursor, signal);
    let slice = feed.after(this.cursor, batch);
    // A history comes in pieces of any size; only at its end is there something to gather.
    const ended = slice.readings.length === 0 || slice.cursor === feed.end();
    if (ended && slice.readings.length < batch / 2) {
      await this.pause(gatherMs, signal);
      slice = feed.after(this.cursor, batch);
    }
    if (slice.cursor === feed.end()) this.taken = this.options.committed();
    else if (this.taken !== undefined && this.pending.length === 0) this.taken += slice.readings.length;
    return slice;
  }

  private well(): void {
    if (!this.connected) this.options.log.info({ sink: this.options.name }, "a sink takes readings");
    this.connected = true;
  }

  private fail(error: unknown): void {
    const { name, log, now } = this.options;
    const message = messageOf(error);
    if (this.connected || message !== this.fault?.message)
      log.warn({ sink: name, because: message }, "a sink takes nothing now; readings wait in the record");
    this.connected = false;
    this.fault = { message, time: now() };
  }

  private async save(): Promise<void> {
    this.savedAt = performance.now();
    if (this.cursor === this.saved) return;
    const cursor = this.cursor;
    try {
      await this.options.save?.(cursor);
      this.saved = cursor;
    } catch (error) {
      const because = messageOf(error);
      this.options.log.warn({ sink: this.options.name, because }, "how far a sink has come was not kept");
    }
  }
}
