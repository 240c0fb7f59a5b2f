import type { Instant, Reading, StreamId } from "../../domain/model/index.ts";

export interface Span {
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

/** Which readings; all where a part is absent. */
export interface Only {
  /** Before this time. */
  readonly to?: Instant;
  readonly streams?: readonly StreamId[];
}

/** One stretch of a stream: a quarter hour, or a civil day of the site. Values of a quality that may be used. */
export interface RollUp {
  readonly start: Instant;
  /** Exclusive: 15 minutes, or 23 to 25 hours, later. */
  readonly end: Instant;
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  /** Weighted by time: a value stands until the next one, at most `HOLD_MS`. */
  readonly mean: number;
  /** Readings. */
  readonly count: number;
  /** Share of the stretch for which a value stood, 0 to 1. */
  readonly coverage: number;
}

/**
 * The readings of the record, hot and packed as one. Everything that was acknowledged is here, each
 * (stream, time, sequence) once. A damaged block is left out, counted and logged: its neighbours are served.
 */
export interface Readings {
  /** One stream's readings in order of time. Throws RangeError for more than `READINGS_PER_QUERY_MAX`. */
  between(stream: StreamId, span: Span): Reading[];
  /** All streams that have a reading in the span, each in order of time. Throws RangeError as above. */
  byStream(span: Span): Map<StreamId, Reading[]>;
  /** Every reading from `time` on, in order of time, an hour of the record in memory at a time. */
  since(time: Instant, only?: Only): Generator<Reading>;
  /** The stream's last reading before `time`, not older than `within` ms. */
  lastBefore(stream: StreamId, time: Instant, options: { readonly within: number }): Reading | undefined;
  /** The first reading of any of these streams; undefined where there is none. */
  firstTime(streams: readonly StreamId[]): Instant | undefined;
  /** The newest reading of each stream that has one since `since`, in order of the streams' names. */
  latest(options: { readonly since: Instant }): Reading[];
  /** Names of all streams of a device. */
  streamsOf(device: string): StreamId[];
  /** Readings kept; hot ones that a block holds too may count twice. */
  count(): number;
  /** Stretches with at least one usable reading, in order; what is not rolled up yet is computed from readings. */
  rollUps(stream: StreamId, span: Span, step: "quarter" | "day"): RollUp[];
  /** Lets go of packed readings that nobody asked for since the last time. */
  rest(): void;
  /** Damaged blocks met since the record was opened. */
  damaged(): number;
}
