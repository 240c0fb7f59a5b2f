import { longer, type ReadingColumns, sequenceAt, type Series } from "./blocks/columns.ts";

/**
 * One stream's readings in the order of (time, sequence), as a row of short columns: a reading that comes in order
 * goes to the end, and a late one moves at most `PIECE_READINGS` others, so that a logger that hands over its weeks
 * backwards costs no more than one that hands them over forwards.
 */
const PIECE_READINGS = 1_024;
const FIRST_CAPACITY = 16;

interface Piece {
  count: number;
  times: Float64Array<ArrayBuffer>;
  values: Float64Array<ArrayBuffer>;
  qualities: Uint8Array<ArrayBuffer>;
  sequences?: Float64Array<ArrayBuffer>;
}

const emptyPiece = (capacity: number): Piece => ({
  count: 0,
  times: new Float64Array(capacity),
  values: new Float64Array(capacity),
  qualities: new Uint8Array(capacity),
});

/** Below 0 where reading `at` of the piece comes before (time, sequence), 0 where it is the same. */
const compare = (piece: Series, at: number, time: number, sequence: number): number =>
  Number(piece.times[at]) - time || sequenceAt(piece, at) - sequence;

export class HotSeries {
  count = 0;
  private readonly list: Piece[] = [];

  /** In order; each has at least one reading. */
  get pieces(): readonly Series[] {
    return this.list;
  }

  /** @returns false where the stream has this (time, sequence) already: the first one stays */
  add(columns: ReadingColumns, from: number): boolean {
    const [time, sequence] = [Number(columns.times[from]), sequenceAt(columns, from)];
    const last = this.list.at(-1);
    const order = last ? compare(last, last.count - 1, time, sequence) : -1;
    if (order === 0) return false;
    const added =
      order < 0
        ? put(this.roomAtEnd(last), last && last.count < PIECE_READINGS ? last.count : 0, columns, from)
        : this.insert(columns, from, time, sequence);
    if (added) this.count++;
    return added;
  }

  private roomAtEnd(last: Piece | undefined): Piece {
    if (last && last.count < PIECE_READINGS) return last;
    const piece = emptyPiece(last ? PIECE_READINGS / 8 : FIRST_CAPACITY);
    this.list.push(piece);
    return piece;
  }

  private insert(columns: ReadingColumns, from: number, time: number, sequence: number): boolean {
    let at = search(this.list.length, (index) => {
      const piece = this.list[index];
      return piece === undefined || compare(piece, piece.count - 1, time, sequence) >= 0;
    });
    let piece = this.list[at];
    if (piece && piece.count === PIECE_READINGS) {
      const second = cutInHalf(piece);
      this.list.splice(at + 1, 0, second);
      if (compare(second, 0, time, sequence) <= 0) at++;
      piece = this.list[at];
    }
    if (!piece) return false;
    const whole = piece;
    const place = search(piece.count, (index) => compare(whole, index, time, sequence) >= 0);
    if (place < piece.count && compare(piece, place, time, sequence) === 0) return false;
    return put(piece, place, columns, from);
  }
}

/** The first index for which `reached` holds; `length` where none does. */
function search(length: number, reached: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function put(piece: Piece, place: number, columns: ReadingColumns, from: number): true {
  if (piece.count === piece.times.length) grow(piece);
  const sequence = sequenceAt(columns, from);
  if (sequence !== 0) piece.sequences ??= new Float64Array(piece.times.length);
  const { times, values, qualities, sequences, count } = piece;
  if (place < count)
    for (const column of [times, values, qualities, sequences]) column?.copyWithin(place + 1, place, count);
  times[place] = Number(columns.times[from]);
  values[place] = Number(columns.values[from]);
  qualities[place] = Number(columns.qualities[from]);
  if (sequences) sequences[place] = sequence;
  piece.count++;
  return true;
}

function grow(piece: Piece): void {
  const capacity = Math.min(PIECE_READINGS, piece.times.length * 2);
  piece.times = longer(piece.times, new Float64Array(capacity));
  piece.values = longer(piece.values, new Float64Array(capacity));
  piece.qualities = longer(piece.qualities, new Uint8Array(capacity));
  if (piece.sequences) piece.sequences = longer(piece.sequences, new Float64Array(capacity));
}

/** @returns the second half; the first stays where it is */
function cutInHalf(piece: Piece): Piece {
  const half = piece.count >> 1;
  const second: Piece = {
    count: piece.count - half,
    times: piece.times.slice(half),
    values: piece.values.slice(half),
    qualities: piece.qualities.slice(half),
    ...(piece.sequences && { sequences: piece.sequences.slice(half) }),
  };
  piece.count = half;
  return second;
}
