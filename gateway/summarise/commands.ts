import type { DatabaseSync } from "node:sqlite";
import type { Boundary } from "../../domain/energy/intervals.ts";
import type { Interval, StreamId, Summary } from "../../domain/model/index.ts";

/** All that one pass of the summariser found: kept in one transaction with how far it has come. */
export interface SummaryPass {
  readonly boundaries: readonly { readonly stream: StreamId; readonly boundary: Boundary }[];
  readonly intervals: readonly { readonly stream: StreamId; readonly interval: Interval }[];
  readonly summaries: readonly { readonly key: string; readonly time: number; readonly summary: Summary }[];
  readonly progress: Readonly<Record<string, number>>;
}

export const summaryCommands = {
  saveSummaries(db: DatabaseSync, pass: SummaryPass): void {
    const boundary = db.prepare(
      "INSERT OR IGNORE INTO boundary (stream, time, register, filled) VALUES (?, ?, ?, ?)",
    );
    for (const { stream, boundary: b } of pass.boundaries)
      boundary.run(stream, b.time, b.register, b.filled ? 1 : 0);
    const interval = db.prepare(
      "INSERT OR IGNORE INTO interval (stream, start, energy, provenance) VALUES (?, ?, ?, ?)",
    );
    for (const { stream, interval: i } of pass.intervals)
      interval.run(stream, i.start, i.energy, i.provenance);
    const summary = db.prepare(
      "INSERT OR IGNORE INTO summary (kind, member, key, time, summary) VALUES (?, ?, ?, ?, ?)",
    );
    for (const { key, time, summary: s } of pass.summaries)
      summary.run(s.kind, s.member, key, time, JSON.stringify(s));
    const progress = db.prepare(
      "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    for (const [name, value] of Object.entries(pass.progress)) progress.run(name, value);
  },
};
