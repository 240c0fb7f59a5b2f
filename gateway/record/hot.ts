import { HOUR_MS } from "../../domain/model/index.ts";
import { ColumnsBuilder, type ReadingColumns, type Series } from "./blocks/columns.ts";
import { HotSeries } from "./hot-series.ts";
import { Sheets } from "./sheets.ts";

/**
 * The hot readings: all that is durable in the journal and not yet packed, in the main thread's memory, for queries.
 * A reading needs 17 bytes (25 with a sequence), and the room that is kept for a stream's next ones half as much again.
 */

/** What is being packed: handed over in slices, readable until the last one is committed. */
export interface HandOver {
  readonly readings: number;
  /** Copies, so that their memory can go to another thread. A device's hour is not cut where it fits into one slice. */
  slices(readingsMax: number): Generator<ReadingColumns>;
  /** All slices are committed: forgets them. */
  done(): void;
}

class Streams extends Map<number, HotSeries> {
  readonly sheets = new Sheets();
}

export class HotReadings {
  private current = new Streams();
  private frozen = new Streams();
  private readonly deviceOf: (stream: number) => string | number;

  /** @param deviceOf what streams are packed together; without it each is packed alone */
  constructor(deviceOf: (stream: number) => string | number = (stream) => stream) {
    this.deviceOf = deviceOf;
  }

  /** Readings here: those of a hand-over count until it is done. */
  get count(): number {
    return countOf(this.current) + countOf(this.frozen);
  }

  /** @returns how many were new to the hot readings; of two with one (stream, time, sequence) the first stays */
  add(columns: ReadingColumns): number {
    let added = 0;
    for (let at = 0; at < columns.count; at++) {
      const stream = Number(columns.streams[at]);
      let series = this.current.get(stream);
      if (!series) this.current.set(stream, (series = new HotSeries(this.current.sheets)));
      if (series.add(columns, at)) added++;
    }
    return added;
  }

  /** Freezes all that is here; the same readings again while they are not done; undefined when there are none. */
  handOver(): HandOver | undefined {
    if (this.frozen.size === 0) [this.frozen, this.current] = [this.current, new Streams()];
    const given = this.frozen;
    if (given.size === 0) return undefined;
    return {
      readings: countOf(given),
      slices: (readingsMax) => this.slices(given, readingsMax),
      done: () => {
        if (this.frozen !== given) return;
        this.frozen = new Streams();
        given.sheets.free();
      },
    };
  }

  /**
   * The pieces of a stream, each in order of (time, sequence); what was frozen comes first, and wins. They are views, to
   * be used at once.
   */
  of(stream: number): Series[] {
    return [this.frozen, this.current].flatMap((series) => series.get(stream)?.pieces ?? []);
  }

  /** Ids of the streams that have a reading here. */
  streams(): Set<number> {
    return new Set([...this.frozen.keys(), ...this.current.keys()]);
  }

  private *slices(given: ReadonlyMap<number, HotSeries>, readingsMax: number): Generator<ReadingColumns> {
    let slice = new ColumnsBuilder(readingsMax);
    for (const streams of Map.groupBy(given.keys(), this.deviceOf).values()) {
      // Views of one device at a time: those of thousands of streams would be held until the last slice is packed.
      for (const hour of hoursOf(runsOf(given, streams))) {
        if (slice.count > 0 && slice.count + readingsIn(hour) > readingsMax) {
          yield slice.built();
          slice = new ColumnsBuilder(readingsMax);
        }
        for (const { stream, series, start, end } of hour) slice.addSeries(stream, series, start, end);
      }
    }
    if (slice.count > 0) yield slice.built();
  }
}

/** A part of one stream's columns. */
interface Run {
  readonly stream: number;
  readonly series: Series;
  readonly start: number;
  readonly end: number;
}

const runsOf = (given: ReadonlyMap<number, HotSeries>, streams: readonly number[]): Run[] =>
  streams.flatMap((stream) =>
    (given.get(stream)?.pieces ?? []).map((series) => ({ stream, series, start: 0, end: series.count })),
  );

const readingsIn = (runs: readonly Run[]): number =>
  runs.reduce((sum, { start, end }) => sum + end - start, 0);

const countOf = (streams: ReadonlyMap<number, HotSeries>): number => {
  let count = 0;
  for (const series of streams.values()) count += series.count;
  return count;
};

/** The parts of one device by UTC hour, in order of time. */
function hoursOf(runs: readonly Run[]): Run[][] {
  const hours = new Map<number, Run[]>();
  for (const { stream, series, end } of runs) {
    for (let start = 0; start < end;) {
      const hour = Math.floor(Number(series.times[start]) / HOUR_MS);
      let to = start + 1;
      while (to < end && Number(series.times[to]) < (hour + 1) * HOUR_MS) to++;
      const parts = hours.get(hour) ?? [];
      hours.set(hour, parts);
      parts.push({ stream, series, start, end: to });
      start = to;
    }
  }
  return [...hours].toSorted(([a], [b]) => a - b).map(([, parts]) => parts);
}
