/**
 * Readings as columns: what the queue, the journal, the hot readings and the blocks hand to each other. One reading is
 * one position in every array.
 */
export interface ReadingColumns {
  readonly count: number;
  /** Durable ids: `stream.id` of the record. */
  readonly streams: Uint32Array<ArrayBuffer>;
  /** ms since 1970. */
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  /** Positions in `QUALITIES`. */
  readonly qualities: Uint8Array<ArrayBuffer>;
  /** The sources' own numbers; absent where no reading has one (each then counts as 0). */
  readonly sequences?: Float64Array<ArrayBuffer>;
}

/** One stream's readings in order of (time, sequence), each pair once. */
export interface Series {
  readonly count: number;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  readonly qualities: Uint8Array<ArrayBuffer>;
  readonly sequences?: Float64Array<ArrayBuffer>;
}

export const sequenceAt = (columns: { readonly sequences?: Float64Array }, at: number): number =>
  columns.sequences?.[at] ?? 0;
