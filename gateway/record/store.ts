import type { DatabaseSync } from "node:sqlite";
import type { Reading } from "../../domain/model/index.ts";
import type { Commands } from "./commands.ts";

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
   * this call is kept, and nobody may acknowledge it) or RECORD_CLOSED. A reading whose (stream, time) is kept
   * already is ignored, so that a sender may repeat itself. When `QUEUE_READINGS_MAX` readings wait, further calls
   * are held back until there is room: slower, never lost. A caller that awaits has one call at a time; one that
   * does not is refused with RECORD_FAILED when `CALLS_HELD_MAX` calls are held.
   */
  append(readings: readonly Reading[]): Promise<void>;
  /**
   * Runs one write command of `commands.ts` in a transaction of its own, in order with everything else. What a
   * command throws undoes it and comes back: a FieldwattError with its code, anything else as RECORD_FAILED.
   */
  run<Name extends keyof Table & string>(
    name: Name,
    input: CommandInput<Table, Name>,
  ): Promise<CommandOutput<Table, Name>>;
  /** A read-only connection; statements are the caller's. */
  readonly read: DatabaseSync;
  readonly stats: () => RecordStats;
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
}
