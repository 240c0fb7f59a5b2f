import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { instant, messageOf, toIso } from "../../../domain/model/index.ts";
import { openRow, prepare, rowOf, type BlockHead } from "../blocks/rows.ts";
import { notedAsLost } from "../journal/lost.ts";
import { framesAfter, holesIn, seenIn, whenLost, type SeenFrame } from "../journal/replay.ts";
import { packedFrame } from "../progress.ts";
import { JOURNAL_FOLDER, openRecordReader, unreadable } from "../reader.ts";
import type { FrameRange, LostFrames } from "../state.ts";

/** What is wrong with one block, as far as its row still tells. */
export interface DamagedBlock {
  readonly block: number;
  readonly device: string;
  /** ISO 8601, of its first and last reading. */
  readonly first: string;
  readonly last: string;
  /** Readings that cannot be read. */
  readonly readings: number;
  /** Streams that the device has: the readings were among these. */
  readonly streams: readonly string[];
  readonly because: string;
}

/** Commits that are lost; they came about after one time and before the other (ISO 8601), where that can be told. */
export interface DamagedFrames extends FrameRange {
  readonly after?: string;
  readonly before?: string;
}

export interface Verified {
  readonly blocks: number;
  /** Readings in blocks that are whole, and of the journal. */
  readonly readings: number;
  readonly frames: number;
  readonly damagedBlocks: readonly DamagedBlock[];
  /** Frames of the journal that a commit had and that cannot be read. */
  readonly damagedFrames: readonly DamagedFrames[];
  /** Frames that were lost before: nothing of them is left to repair. */
  readonly lostBefore: readonly DamagedFrames[];
  /** What SQLite says about the file; empty when it is in order. */
  readonly file: readonly string[];
}

/** Lines of SQLite's own check that are told. */
const CHECK_LINES_MAX = 100;
/** Blocks after which the progress is told. */
const BLOCKS_A_STEP = 100;

export interface Progress {
  readonly blocks: number;
  readonly of: number;
}

/**
 * Reads every block and every frame of the record in a data folder; the gateway may run. Throws as `openRecordReader`:
 * RECORD_FAILED also means that the file is too damaged to be opened, and `salvage` is next.
 */
export function verifyRecord(
  folder: string,
  onProgress: (progress: Progress) => void = () => undefined,
): Verified {
  using reader = openRecordReader(folder);
  try {
    return verifyAll(folder, reader.read, onProgress);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function verifyAll(folder: string, read: DatabaseSync, onProgress: (progress: Progress) => void): Verified {
  // First the journal: a gateway that packs writes over it in time.
  const journal = verifyJournal(join(folder, JOURNAL_FOLDER), packedFrame(read));
  const of = Number(prepare(read, "SELECT count(*) AS blocks FROM block").get()?.["blocks"]);
  const damagedBlocks: DamagedBlock[] = [];
  let [blocks, whole] = [0, 0];
  for (const head of headsOf(read)) {
    blocks++;
    const because = faultOf(read, head);
    if (because === undefined) whole += head.readings;
    else damagedBlocks.push(describe(read, head, because));
    if (blocks % BLOCKS_A_STEP === 0 || blocks === of) onProgress({ blocks, of });
  }
  const { frames, readings, damagedFrames } = journal;
  return {
    ...{ blocks, readings: whole + readings, frames, damagedBlocks, damagedFrames },
    lostBefore: lostBefore(read, damagedFrames),
    file: checkFile(read),
  };
}

function verifyJournal(
  folder: string,
  packed: number,
): Pick<Verified, "frames" | "readings" | "damagedFrames"> {
  const look = (): ReturnType<typeof verifyJournal> => {
    const seen: SeenFrame[] = [];
    for (const frame of framesAfter(folder, packed)) seen.push(seenIn(frame));
    const numbers = seen.map(({ number }) => number);
    const damagedFrames = holesIn(folder, packed, numbers).map((hole) => withDates(whenLost(hole, seen)));
    return { frames: seen.length, readings: seen.reduce((sum, { count }) => sum + count, 0), damagedFrames };
  };
  const first = look();
  // A frame that was being written while it was read is whole the second time.
  return first.damagedFrames.length === 0 ? first : look();
}

const withDates = ({ after, before, ...range }: LostFrames): DamagedFrames => ({
  ...range,
  ...(after !== undefined && { after: toIso(instant(after)) }),
  ...(before !== undefined && { before: toIso(instant(before)) }),
});

/** Those that an earlier start or repair met, and that the journal itself no longer tells of. */
const lostBefore = (read: DatabaseSync, now: readonly FrameRange[]): DamagedFrames[] =>
  notedAsLost(read)
    .filter(({ from, to }) => !now.some((hole) => hole.from <= to && from <= hole.to))
    .map(withDates);

export function* headsOf(db: DatabaseSync): Generator<BlockHead> {
  const sql =
    "SELECT id, device, first, last, readings, first_frame, last_frame FROM block WHERE id > ? ORDER BY id LIMIT 500";
  for (let after = 0; ;) {
    const heads = prepare(db, sql).all(after) as unknown as BlockHead[];
    yield* heads;
    const last = heads.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** Why a block cannot be read in full; undefined where it can. */
export function faultOf(db: DatabaseSync, { id }: Pick<BlockHead, "id">): string | undefined {
  try {
    const row = rowOf(db, id);
    const block = row && openRow(row);
    for (const stream of block?.streams ?? []) block?.series(stream);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export function describe(db: DatabaseSync, head: BlockHead, because: string): DamagedBlock {
  const device = String(
    prepare(db, "SELECT name FROM device WHERE id = ?").get(head.device)?.["name"] ?? `device ${head.device}`,
  );
  const streams = prepare(db, "SELECT name FROM stream WHERE name >= ? AND name < ? ORDER BY name")
    .all(`${device}/`, `${device}0`)
    .map((row) => String(row["name"]));
  const { id: block, readings } = head;
  return {
    block,
    device,
    first: toIso(instant(head.first)),
    last: toIso(instant(head.last)),
    readings,
    streams,
    because,
  };
}

export function checkFile(db: DatabaseSync): string[] {
  try {
    const rows = db.prepare(`PRAGMA integrity_check(${CHECK_LINES_MAX})`).all();
    const lines = rows.map((row) => String(row["integrity_check"]));
    return lines.length === 1 && lines[0] === "ok" ? [] : lines;
  } catch (error) {
    return [messageOf(error)];
  }
}
