import type { DatabaseSync } from "node:sqlite";
import type { Reading } from "../../domain/model/index.ts";
import type { Commands } from "./commands.ts";

/**
 * The record: the village's memory. One writer in a worker thread commits whole batches; a promise resolves only
 * after the commit that holds what was given (promise 1). Reading goes through a connection of the caller's own
 * thread, beside the writer (SQLite WAL).
 */
export interface RecordStore extends AsyncDisposable {
  /**
   * Keeps readings. Resolves after the commit; rejects with RECORD_FAILED when the commit failed (then nothing of
   * this call is kept, and nobody may acknowledge it) or RECORD_CLOSED. A reading whose (stream, time) is kept
   * already is ignored, so that a sender may repeat itself. When more than `QUEUE_READINGS_MAX` readings wait,
   * callers wait their turn: slower, never lost.
   */
  append(readings: readonly Reading[]): Promise<void>;
  /** Runs one write command of `commands.ts` in a transaction of its own, in order with everything else. */
  run<Name extends keyof Commands>(name: Name, input: CommandInput<Name>): Promise<CommandOutput<Name>>;
  /** A read-only connection; statements are the caller's. */
  readonly read: DatabaseSync;
  readonly stats: () => RecordStats;
}

export type CommandInput<Name extends keyof Commands> = Parameters<Commands[Name]>[1];
export type CommandOutput<Name extends keyof Commands> = ReturnType<Commands[Name]>;

export interface RecordStats {
  readonly readingsCommitted: number;
  readonly commits: number;
  readonly readingsWaiting: number;
  /** The message of the last failed commit, until one succeeds again. */
  readonly failing?: string;
}
