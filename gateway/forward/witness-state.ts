import type { DatabaseSync } from "node:sqlite";
import { lastHead, witnessedSize } from "../release/egress-log.ts";

/** Who watches this gateway's log, and which logs it watches: for the operator's page and `/health`. */
export interface WitnessState {
  readonly name: string;
  /** Releases that it has cosigned, of so many in the signed log. */
  readonly size: number;
  readonly of: number;
  /** When it was heard last; absent: never. */
  readonly heard?: number;
  /** Why it does not cosign, and since when; absent where it does. */
  readonly refusal?: { readonly because: string; readonly since: number };
}

export function witnessStates(db: DatabaseSync, names: readonly string[]): WitnessState[] {
  const find = db.prepare("SELECT heard, because, since FROM witness_word WHERE witness = ?");
  const of = lastHead(db)?.size ?? 0;
  return names.map((name) => {
    const word = find.get(name);
    const because = word?.because ?? undefined;
    return {
      ...{ name, of, size: witnessedSize(db, name) },
      ...(word && { heard: Number(word.heard) }),
      ...(because !== undefined && { refusal: { because: String(because), since: Number(word?.since) } }),
    };
  });
}

export interface WatchedLog {
  /** The log's name. */
  readonly origin: string;
  readonly size: number;
  readonly seen: number;
  readonly evidence: readonly {
    readonly because: string;
    readonly size: number;
    readonly proven: boolean;
    readonly seen: number;
  }[];
}

export function watchedLogs(db: DatabaseSync): WatchedLog[] {
  const evidence = db.prepare(
    "SELECT because, size, proven, seen FROM watched_evidence WHERE origin = ? ORDER BY seen, size",
  );
  return db
    .prepare("SELECT origin, size, seen FROM watched_head ORDER BY origin")
    .all()
    .map(({ origin, size, seen }) => ({
      ...{ origin: String(origin), size: Number(size), seen: Number(seen) },
      evidence: evidence.all(origin ?? null).map((row) => ({
        ...{ because: String(row.because), size: Number(row.size) },
        ...{ proven: row.proven === 1, seen: Number(row.seen) },
      })),
    }));
}
