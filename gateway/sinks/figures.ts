import type { DatabaseSync } from "node:sqlite";
import type { RecordStats } from "../record/store.ts";

/** Of the record only what is looked at. */
export interface Watched {
  readonly read: DatabaseSync;
  readonly stats: () => RecordStats;
}

/** How far the gateway has come, for a line on a terminal. */
export interface Figures {
  /** Readings kept since start. */
  readonly readings: number;
  /** Summaries ever released, and those of them that the hub has not acknowledged. */
  readonly released: number;
  readonly waiting: number;
  /** Answers of the hub that are kept. */
  readonly answers: number;
}

export function gatewayFigures({ read, stats }: Watched): Figures {
  const one = (sql: string): number => Number(read.prepare(sql).get()?.["n"]);
  return {
    readings: stats().readingsCommitted,
    released: one("SELECT coalesce(max(sequence), 0) AS n FROM release"),
    waiting: one("SELECT count(*) AS n FROM outbox"),
    answers: one("SELECT count(*) AS n FROM answer"),
  };
}
