import type { ReadingColumns, Series } from "./blocks/columns.ts";

/** What is being packed: handed over in slices, readable until the last one is committed. */
export interface HandOver {
  readonly readings: number;
  slices(readingsMax: number): Generator<ReadingColumns>;
  /** All slices are committed: forgets them. */
  done(): void;
}

export class HotReadings {
  /** @returns how many were new to the hot readings */
  add(_columns: ReadingColumns): number {
    throw new Error("not yet");
  }
  get count(): number {
    throw new Error("not yet");
  }
  /** Freezes all that is here; the same one again while it is not done; undefined when there is nothing. */
  handOver(): HandOver | undefined {
    throw new Error("not yet");
  }
  /** The series of a stream, oldest hand-over first. */
  of(_stream: number): Series[] {
    throw new Error("not yet");
  }
}
