import { readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { instant, type Instant } from "../../domain/model/index.ts";
import { prepare } from "./blocks/rows.ts";
import { progressOf, RESTORED } from "./progress.ts";
import type { Fault } from "./state.ts";
import type { RecordStore } from "./store.ts";

/** How the record is doing, for people and for programs that watch it. */
export interface RecordHealth {
  /** Why nothing is committed; absent while all is well. */
  readonly fault?: Fault;
  /** The system's own message. */
  readonly because?: string;
  readonly lastCommit?: Instant;
  /** Bytes that the gateway may still write; absent where the system does not tell. */
  readonly diskFree?: number;
  readonly journalBytes: number;
  /** Readings that are on the disk and not packed yet. */
  readonly readingsHot: number;
  readonly blocks: number;
  /** Met since the start; they are left out of every answer. */
  readonly damagedBlocks: number;
  /** Commits that the journal had lost when the gateway was started. */
  readonly damagedFrames: number;
  readonly lastBackup?: LastBackup;
  /** It came out of a backup, and no hub has said yet what it holds. */
  readonly restored: boolean;
}

export interface LastBackup {
  readonly made: Instant;
  readonly file: string;
}

/** In the data folder; a backup leaves files out whose name begins so. */
export const LAST_BACKUP_FILE = "backup-last.json";
/** With less room than this the page says so: about a month of a village's record. */
export const DISK_LOW_BYTES = 200_000_000;

export function recordHealth(
  store: Pick<RecordStore, "stats" | "read" | "readings">,
  folder: string,
): RecordHealth {
  const { fault, failing, lastCommit, journalBytes, readingsHot, damagedFrames } = store.stats();
  const free = freeBytes(folder);
  const backup = lastBackup(folder);
  return {
    ...(fault && { fault }),
    ...(failing !== undefined && { because: failing }),
    ...(lastCommit !== undefined && { lastCommit }),
    ...(free !== undefined && { diskFree: free }),
    ...{ journalBytes, readingsHot },
    blocks: Number(prepare(store.read, "SELECT count(*) AS blocks FROM block").get()?.["blocks"]),
    damagedBlocks: store.readings.damaged(),
    damagedFrames: damagedFrames.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    ...(backup && { lastBackup: backup }),
    restored: progressOf(store.read, RESTORED) !== undefined,
  };
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Undefined where no backup was made, or its note cannot be read. */
function lastBackup(folder: string): LastBackup | undefined {
  try {
    const { made, file } = JSON.parse(readFileSync(join(folder, LAST_BACKUP_FILE), "utf8")) as LastBackup;
    return Number.isSafeInteger(made) ? { made: instant(made), file: String(file) } : undefined;
  } catch {
    return undefined;
  }
}
