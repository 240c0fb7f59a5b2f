import type { DatabaseSync } from "node:sqlite";
import type { ReadingColumns } from "./columns.ts";

/** A part of what the journal holds, to be packed in one transaction. */
export interface PackSlice {
  /** In any order; a reading that a block has already is ignored. */
  readonly columns: ReadingColumns;
  /** The numbers of the first and the last journal frame that the whole hand-over came from. */
  readonly firstFrame: number;
  readonly lastFrame: number;
}

export interface Packed {
  /** Readings that were not in a block yet. */
  readonly readings: number;
  /** Blocks written, and bytes of their data. */
  readonly blocks: number;
  readonly bytes: number;
}

/**
 * Writes a slice into blocks, one for each device and UTC hour. The caller holds the transaction. Throws
 * RECORD_BLOCK_DAMAGED never: a damaged block that overlaps is left where it is and the readings go into a new one.
 */
export function packSlice(_db: DatabaseSync, _slice: PackSlice): Packed {
  throw new Error("not yet");
}
