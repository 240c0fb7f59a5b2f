import type { DatabaseSync } from "node:sqlite";
import type { Instant, Reading } from "../../domain/model/index.ts";
import type { Commands } from "./commands.ts";
import type { Feed } from "./feed.ts";
import type { Cleaned } from "./messages.ts";
import type { Readings } from "./readings.ts";
import type { Fault, FrameRange } from "./state.ts";

/** Named write commands, each a plain function of the database and one cloneable value. */
export type CommandTable = Readonly<Record<string, (db: DatabaseSync, input: never) => unknown>>;

/**
 * The record: the village's memory. One writer in a worker thread commits whole batches; a promise resolves only
 * after the commit that holds what was given (promise 1). Reading goes through a connection of the caller's own
 * thread, beside the writer (SQLite WAL).
 */
export interface RecordStore<Table extends CommandTable = Commands> extends AsyncDisposable {
  /**
   * Keeps readings. Resolves after the commit; rejects with RECORD_FAILED when the commit failed (then nothing of
   * this call is kept, and nobody may acknowledge it) or RECORD_CLOSED. A reading whose (stream, time, sequence) is
   * kept already is ignored, so that a sender may repeat itself. When `QUEUE_READINGS_MAX` readings wait, further
   * calls are held back until there is room: slower, never lost. A caller that awaits has one call at a time; one
   * that does not is refused with RECORD_FAILED when `CALLS_HELD_MAX` calls are held.
   *
   * With `mayWait` (polled readings, whose device can be asked again) the commit may come up to the record's commit
   * interval later, to share one with others. A power cut in between loses what waits: at most one interval of polled
   * readings, none of which was acknowledged to anybody. A published reading or a command takes them all along.
   */
  append(readings: readonly Reading[], options?: AppendOptions): Promise<void>;
  /**
   * Runs one write command of `commands.ts` in a transaction of its own, in order with everything else. What a
   * command throws undoes it and comes back: a FieldwattError with its code, anything else as RECORD_FAILED.
   */
  run<Name extends keyof Table & string>(
    name: Name,
    input: CommandInput<Table, Name>,
  ): Promise<CommandOutput<Table, Name>>;
  /** Packs all that is committed: then no reading is anywhere but in blocks. Rejects when that does not commit. */
  pack(): Promise<void>;
  /**
   * Writes the record's files anew, so that their bytes hold nothing that was deleted before: it takes as much room
   * again as the record has, and commits wait meanwhile. Copies of the record from before an upgrade are deleted.
   * Rejects with RECORD_FAILED where there is no room: then the record is as it was.
   */
  clean(): Promise<Cleaned>;
  /** A read-only connection, for everything that is not readings; statements are the caller's. */
  readonly read: DatabaseSync;
  /** All readings, those just committed and those packed as one. */
  readonly readings: Readings;
  /** The readings in the order of their commits, for sinks. */
  readonly feed: Feed;
  readonly stats: () => RecordStats;
}

export interface AppendOptions {
  readonly mayWait?: boolean;
}

export type CommandInput<Table extends CommandTable, Name extends keyof Table> = Parameters<Table[Name]>[1];
export type CommandOutput<Table extends CommandTable, Name extends keyof Table> = ReturnType<Table[Name]>;

export interface RecordStats {
  /** Readings newly kept since the record was opened; repeated ones do not count. */
  readonly readingsCommitted: number;
  readonly commits: number;
  /** Readings that gather for a commit or are in one; at most `QUEUE_READINGS_MAX`, or one larger call. */
  readonly readingsWaiting: number;
  /** Calls held back because the queue is full. */
  readonly callsHeld: number;
  /** The message of the last failed commit, until one succeeds again. */
  readonly failing?: string;
  /** What kind of fault it is, for a page that says what to do. */
  readonly fault?: Fault;
  /** Bytes of the journal's files. */
  readonly journalBytes: number;
  /** Readings that are committed and not packed yet. */
  readonly readingsHot: number;
  /** The number of the last journal frame, and of the last one whose readings are packed. */
  readonly frames: { readonly last: number; readonly packed: number };
  /** When the last commit of readings was answered, on the gateway's clock; undefined before the first. */
  readonly lastCommit?: Instant;
  /** Frames of the journal that were lost when the record was opened, as ranges of numbers; empty in health. */
  readonly damagedFrames: readonly FrameRange[];
}
