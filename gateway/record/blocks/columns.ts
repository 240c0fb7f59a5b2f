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

/** Columns that grow as readings are put in. */
export class ColumnsBuilder {
  count = 0;
  private times: Float64Array<ArrayBuffer>;
  private values: Float64Array<ArrayBuffer>;
  private streams: Uint32Array<ArrayBuffer>;
  private qualities: Uint8Array<ArrayBuffer>;
  private sequences: Float64Array<ArrayBuffer> | undefined;

  constructor(capacity = 64) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.streams = new Uint32Array(capacity);
    this.qualities = new Uint8Array(capacity);
  }

  /** Puts in one reading; `quality` is its position in `QUALITIES`. */
  add(reading: {
    readonly stream: number;
    readonly time: number;
    readonly value: number;
    readonly quality: number;
    readonly sequence: number;
  }): void {
    const at = this.count;
    if (at === this.times.length) this.grow(at + 1);
    this.streams[at] = reading.stream;
    this.times[at] = reading.time;
    this.values[at] = reading.value;
    this.qualities[at] = reading.quality;
    if (reading.sequence !== 0) this.sequences ??= new Float64Array(this.times.length);
    if (this.sequences) this.sequences[at] = reading.sequence;
    this.count = at + 1;
  }

  /** Puts in the readings from `start` to `end` (exclusive) of one stream. */
  addSeries(stream: number, series: Series, start = 0, end = series.count): void {
    const at = this.count;
    const count = at + end - start;
    if (count > this.times.length) this.grow(count);
    this.times.set(series.times.subarray(start, end), at);
    this.values.set(series.values.subarray(start, end), at);
    this.qualities.set(series.qualities.subarray(start, end), at);
    this.streams.fill(stream, at, count);
    if (series.sequences) {
      this.sequences ??= new Float64Array(this.times.length);
      this.sequences.set(series.sequences.subarray(start, end), at);
    }
    this.count = count;
  }

  built(): ReadingColumns {
    const { count, streams, times, values, qualities, sequences } = this;
    return { count, streams, times, values, qualities, ...(sequences && { sequences }) };
  }

  private grow(atLeast: number): void {
    const capacity = Math.max(atLeast, this.times.length * 2);
    this.times = longer(this.times, new Float64Array(capacity));
    this.values = longer(this.values, new Float64Array(capacity));
    this.streams = longer(this.streams, new Uint32Array(capacity));
    this.qualities = longer(this.qualities, new Uint8Array(capacity));
    if (this.sequences) this.sequences = longer(this.sequences, new Float64Array(capacity));
  }
}

/** `column` at the start of `larger`. */
export function longer<Column extends { set(column: Column): void }>(column: Column, larger: Column): Column {
  larger.set(column);
  return larger;
}
