import type { ErrorCode } from "../../domain/model/index.ts";
import type { ReadingColumns } from "./blocks/columns.ts";
import type { PackSlice } from "./blocks/pack.ts";
import type { Migrated } from "./migrate.ts";
import type { Fault, LostFrames } from "./state.ts";

/** What the main thread and the writer's thread say to each other: one task at a time, one answer for each. */
export type Task = AppendTask | CommandTask | PackTask | CleanTask | { readonly kind: "close" };

export interface WriterData {
  readonly path: string;
  readonly commands: string;
  /** The journal's folder; without it the writer runs commands only. */
  readonly journal?: string;
  /** The last frame that the main thread has already. */
  readonly after: number;
}

/** The first message to the writer's thread; its answer is "ready", or "failed". */
export interface OpenTask extends WriterData {
  readonly kind: "open";
}

/** Readings as columns, whose memory is handed over instead of copied. */
export interface AppendTask {
  readonly kind: "append";
  /** `streams` holds durable ids, and `NEW_STREAM` + a position in `names` for what has none yet. */
  readonly columns: ReadingColumns;
  readonly names: readonly string[];
}

export interface CommandTask {
  readonly kind: "command";
  readonly name: string;
  readonly input: unknown;
}

/** Writes a slice of the hot readings into blocks; with the last slice the journal's frames count as packed. */
export interface PackTask {
  readonly kind: "pack";
  readonly slice: PackSlice;
  readonly last: boolean;
}

/** Writes the files anew without what was deleted from them. */
export interface CleanTask {
  readonly kind: "clean";
}

/** What cleaning came to. */
export interface Cleaned {
  /** False where another process was reading: its log of changes still has old pages, until the next commit or so. */
  readonly logEmptied: boolean;
}

export type WriterTask = Exclude<Task, { kind: "close" }>;

/** Where the journal stands. */
export interface JournalState {
  readonly last: number;
  readonly packed: number;
  /** Of all its files. */
  readonly bytes: number;
}

export type Answer = ReadyAnswer | KeptAnswer | DoneAnswer | FailedAnswer;

export interface ReadyAnswer {
  readonly kind: "ready";
  /** Where the file was of another version. */
  readonly migrated?: Migrated;
  /** Committed and not packed, as far as the main thread does not have it. */
  readonly columns: readonly ReadingColumns[];
  readonly damaged: readonly LostFrames[];
  readonly state: JournalState;
}

export interface KeptAnswer {
  readonly kind: "kept";
  /** What was given, with durable ids. */
  readonly columns: ReadingColumns;
  /** Of the task's names. */
  readonly ids: readonly number[];
  /** The last frame of the commit before this one. */
  readonly before: number;
  /** Written to the journal. */
  readonly bytes: number;
  readonly state: JournalState;
}

export interface DoneAnswer {
  readonly kind: "done";
  /** What the command returned. */
  readonly value: unknown;
  readonly state?: JournalState;
}

export interface FailedAnswer {
  readonly kind: "failed";
  readonly code: ErrorCode;
  readonly message: string;
  /** The disk or a file is at fault, not the input. */
  readonly fault?: Fault;
}

/** Durable ids are smaller than this. */
export const NEW_STREAM = 2 ** 31;

export { QUALITIES } from "./qualities.ts";

/** The buffers that go to the other thread with these columns, instead of copies. */
export const buffersOf = ({ streams, times, values, qualities, sequences }: ReadingColumns): ArrayBuffer[] =>
  [streams, times, values, qualities, ...(sequences ? [sequences] : [])].map(({ buffer }) => buffer);
