import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { instant, messageOf, toIso } from "../../../domain/model/index.ts";
import { openRow, prepare, rowOf, type BlockHead } from "../blocks/rows.ts";
import { framesAfter, holesIn } from "../journal/replay.ts";
import { PACKED, progressOf } from "../progress.ts";
import { JOURNAL_FOLDER, openRecordReader } from "../reader.ts";
import type { FrameRange } from "../state.ts";

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

export interface Verified {
  readonly blocks: number;
  /** Readings in blocks that are whole, and of the journal. */
  readonly readings: number;
  readonly frames: number;
  readonly damagedBlocks: readonly DamagedBlock[];
  /** Frames of the journal that a commit had and that cannot be read. */
  readonly damagedFrames: readonly FrameRange[];
  /** What SQLite says about the file; empty when it is in order. */
  readonly file: readonly string[];
}

/** Lines of SQLite's own check that are told. */
const CHECK_LINES_MAX = 100;

/**
 * Reads every block and every frame of the record in a data folder; the gateway may run. Throws as `openRecordReader`:
 * RECORD_FAILED also means that the file is too damaged to be opened, and `salvage` is next.
 */
export function verifyRecord(folder: string): Verified {
  using reader = openRecordReader(folder);
  const { read } = reader;
  const damagedBlocks: DamagedBlock[] = [];
  let [blocks, whole] = [0, 0];
  for (const head of headsOf(read)) {
    blocks++;
    const because = faultOf(read, head);
    if (because === undefined) whole += head.readings;
    else damagedBlocks.push(describe(read, head, because));
  }
  const packed = progressOf(read, PACKED) ?? 0;
  const frames = [...framesAfter(join(folder, JOURNAL_FOLDER), packed)].map(({ number, columns }) => ({
    number,
    readings: columns.count,
  }));
  return {
    blocks,
    readings: whole + frames.reduce((sum, { readings }) => sum + readings, 0),
    frames: frames.length,
    damagedBlocks,
    damagedFrames: holesIn(
      join(folder, JOURNAL_FOLDER),
      packed,
      frames.map(({ number }) => number),
    ),
    file: checkFile(read),
  };
}

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
