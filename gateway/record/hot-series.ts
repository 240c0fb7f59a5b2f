import { type ReadingColumns, sequenceAt, type Series } from "./blocks/columns.ts";
import { moveEnd, seriesOf, type Piece, type Sheets } from "./sheets.ts";

/**
 * One stream's readings in the order of (time, sequence), as a row of short pieces: a reading that comes in order
 * goes to the end, and a late one moves at most `PIECE_READINGS` others, so that a logger that hands over its weeks
 * backwards costs no more than one that hands them over forwards.
 */
const PIECE_READINGS = 1_024;
const FIRST_CAPACITY = 16;

/** Below 0 where reading `at` of the piece comes before (time, sequence), 0 where it is the same. */
function compare({ sheet, start }: Piece, at: number, time: number, sequence: number): number {
  return Number(sheet.times[start + at]) - time || Number(sheet.sequences?.[start + at] ?? 0) - sequence;
}

export class HotSeries {
  count = 0;
  private readonly sheets: Sheets;
  private list: readonly Piece[] = [];

  constructor(sheets: Sheets) {
    this.sheets = sheets;
  }

  /** In order; each has at least one reading. Views, to be used at once. */
  get pieces(): Series[] {
    return this.list.map(seriesOf);
  }

  /** @returns false where the stream has this (time, sequence) already: the first one stays */
  add(columns: ReadingColumns, from: number): boolean {
    const [time, sequence] = [Number(columns.times[from]), sequenceAt(columns, from)];
    const last = this.list.at(-1);
    const order = last ? compare(last, last.count - 1, time, sequence) : -1;
    if (order === 0) return false;
    if (order > 0 && !this.insert(columns, from, time, sequence)) return false;
    if (order < 0) {
      const piece = this.withRoomAtEnd(last);
      put(piece, piece.count, columns, from);
    }
    this.count++;
    return true;
  }

  private withRoomAtEnd(last: Piece | undefined): Piece {
    if (last && last.count < last.capacity) return last;
    // Each half as long as all before it: few pieces, and little room that stays empty.
    const piece = this.sheets.piece(
      Math.min(PIECE_READINGS, Math.max(FIRST_CAPACITY, Math.ceil(this.count / 2))),
    );
    // A list that is pushed to keeps room for 16 more, in each of thousands of streams.
    this.list = [...this.list, piece];
    return piece;
  }

  private insert(columns: ReadingColumns, from: number, time: number, sequence: number): boolean {
    const at = search(this.list.length, (index) => {
      const piece = this.list[index];
      return piece === undefined || compare(piece, piece.count - 1, time, sequence) >= 0;
    });
    const found = this.list[at];
    if (!found) return false;
    const placeIn = (piece: Piece): number =>
      search(piece.count, (index) => compare(piece, index, time, sequence) >= 0);
    const place = placeIn(found);
    if (compare(found, place, time, sequence) === 0) return false;
    if (found.count < found.capacity) put(found, place, columns, from);
    else {
      const piece = this.withRoomFor(at, found, place);
      put(piece, placeIn(piece), columns, from);
    }
    return true;
  }

  /** Makes room at a place of a full piece: in a longer one, or in two halves. @returns the piece that has it */
  private withRoomFor(at: number, full: Piece, place: number): Piece {
    const second = this.sheets.piece(Math.min(PIECE_READINGS, full.capacity * 2));
    if (full.capacity < PIECE_READINGS) {
      moveEnd(full, 0, second);
      this.list = this.list.with(at, second);
      return second;
    }
    const half = full.count >> 1;
    moveEnd(full, half, second);
    this.list = this.list.toSpliced(at + 1, 0, second);
    return place <= half ? full : second;
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

function put(piece: Piece, place: number, columns: ReadingColumns, from: number): void {
  const { sheet, start, count } = piece;
  const at = start + place;
  if (place < count) sheet.moveWithin(at + 1, at, start + count);
  sheet.times[at] = Number(columns.times[from]);
  sheet.values[at] = Number(columns.values[from]);
  sheet.qualities[at] = Number(columns.qualities[from]);
  const sequence = sequenceAt(columns, from);
  if (sequence !== 0) sheet.makeSequences();
  if (sheet.sequences) sheet.sequences[at] = sequence;
  piece.count++;
}
