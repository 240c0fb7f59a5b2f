import type { Series } from "./blocks/columns.ts";

/**
 * Room for the hot readings of all streams: large columns, of which each stream takes pieces of a few rows. Thousands
 * of streams with columns of their own would need more memory for the arrays than for what stands in them.
 */
const SHEET_ROWS = 16_384;

class Sheet {
  readonly times = new Float64Array(SHEET_ROWS);
  readonly values = new Float64Array(SHEET_ROWS);
  readonly qualities = new Uint8Array(SHEET_ROWS);
  /** The first reading that has one makes it: few streams do. */
  sequences: Float64Array<ArrayBuffer> | undefined;
  /** Rows given out. */
  used = 0;

  makeSequences(): Float64Array<ArrayBuffer> {
    return (this.sequences ??= new Float64Array(SHEET_ROWS));
  }

  moveWithin(to: number, from: number, end: number): void {
    const { times, values, qualities, sequences } = this;
    for (const column of [times, values, qualities, sequences]) column?.copyWithin(to, from, end);
  }
}

/** Some rows of a sheet: those from `start` on hold `count` readings, in order of (time, sequence). */
export interface Piece {
  readonly sheet: Sheet;
  readonly start: number;
  readonly capacity: number;
  count: number;
}

export class Sheets {
  private readonly all: Sheet[] = [];

  /** An empty piece of at most `SHEET_ROWS`. */
  piece(capacity: number): Piece {
    let sheet = this.all.at(-1);
    if (!sheet || sheet.used + capacity > SHEET_ROWS) this.all.push((sheet = new Sheet()));
    const start = sheet.used;
    sheet.used += capacity;
    return { sheet, start, capacity, count: 0 };
  }

  /** Gives the memory back now, not when V8 next looks for garbage. No piece may be used any more. */
  free(): void {
    for (const { times, values, qualities, sequences } of this.all.splice(0))
      for (const column of [times, values, qualities, sequences]) column?.buffer.transfer(0);
  }
}

/** A view of the readings, to be used at once: later ones may move them. */
export function seriesOf({ sheet, start, count }: Piece): Series {
  const [end, { sequences }] = [start + count, sheet];
  return {
    count,
    times: sheet.times.subarray(start, end),
    values: sheet.values.subarray(start, end),
    qualities: sheet.qualities.subarray(start, end),
    ...(sequences && { sequences: sequences.subarray(start, end) }),
  };
}

/** Moves the readings of `from` that stand at `at` and after it to the end of `to`. */
export function moveEnd(from: Piece, at: number, to: Piece): void {
  const [start, end] = [from.start + at, from.start + from.count];
  const target = to.start + to.count;
  to.sheet.times.set(from.sheet.times.subarray(start, end), target);
  to.sheet.values.set(from.sheet.values.subarray(start, end), target);
  to.sheet.qualities.set(from.sheet.qualities.subarray(start, end), target);
  const { sequences } = from.sheet;
  if (sequences) to.sheet.makeSequences().set(sequences.subarray(start, end), target);
  to.count += end - start;
  from.count = at;
}
