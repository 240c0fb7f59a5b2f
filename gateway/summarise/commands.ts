import type { DatabaseSync } from "node:sqlite";
import type { Interval, StreamId, Summary } from "../../domain/model/index.ts";
import { keepEvents, ledgerCommands, type FoundEvents } from "./ledger-commands.ts";

/** All that one pass of the summariser found: kept in one transaction with how far it has come. */
export interface SummaryPass {
  readonly intervals: readonly { readonly stream: StreamId; readonly interval: Interval }[];
  readonly summaries: readonly { readonly key: string; readonly time: number; readonly summary: Summary }[];
  readonly progress: Readonly<Record<string, number>>;
  readonly events?: FoundEvents;
}

/** What a stretch that was closed before looks like now. */
export interface ReopenedPass extends Omit<SummaryPass, "progress" | "events"> {
  readonly now: number;
  /** Quarter hours that were known and are not any more. */
  readonly unknownIntervals: readonly { readonly stream: StreamId; readonly start: number }[];
  readonly unknownSummaries: readonly { readonly member: string; readonly key: string }[];
  readonly events: FoundEvents;
  /** The device whose stretch this was, and from where on it still waits; absent when it is done. */
  readonly device: string;
  readonly remaining?: number;
}

/** A stretch of a device to be looked at again. */
export interface Reopening {
  readonly device: string;
  readonly from: number;
  readonly to: number;
  readonly touched: number;
}

/** What became of a summary: 0 not decided, 1 left, 2 denied, 3 unknown before it left. */
export const DECIDED = { open: 0, left: 1, denied: 2, lapsed: 3 } as const;

export const summaryCommands = {
  ...ledgerCommands,

  saveSummaries(db: DatabaseSync, { intervals, summaries, progress, events }: SummaryPass): void {
    const now = events?.now ?? 0;
    keepIntervals(db, intervals, now);
    keepSummaries(db, summaries, now);
    if (events) keepEvents(db, events);
    const keep = db.prepare(
      "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    for (const [name, value] of Object.entries(progress)) keep.run(name, value);
  },

  /** Marks stretches to be looked at again; one that waits already grows. */
  reopen(db: DatabaseSync, stretches: readonly Reopening[]): void {
    const put = db.prepare(
      `INSERT INTO reopened (device, "from", "to", touched) VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
         "from" = min("from", excluded."from"), "to" = max("to", excluded."to"), touched = excluded.touched`,
    );
    for (const { device, from, to, touched } of stretches) put.run(device, from, to, touched);
  },

  /** New versions of what has changed; what is the same stays as it is. */
  saveReopened(db: DatabaseSync, pass: ReopenedPass): void {
    keepIntervals(db, pass.intervals, pass.now);
    forgetIntervals(db, pass.unknownIntervals, pass.now);
    keepSummaries(db, pass.summaries, pass.now);
    forgetSummaries(db, pass.unknownSummaries, pass.now);
    keepEvents(db, pass.events);
    if (pass.remaining === undefined) db.prepare("DELETE FROM reopened WHERE device = ?").run(pass.device);
    else db.prepare('UPDATE reopened SET "from" = ? WHERE device = ?').run(pass.remaining, pass.device);
  },
};

const nextVersion = `1 + coalesce((SELECT max(version) FROM interval_version v WHERE v.stream = ?1 AND v.start = ?2), 0)`;

function keepIntervals(db: DatabaseSync, intervals: SummaryPass["intervals"], now: number): void {
  const held = db.prepare("SELECT energy, provenance FROM interval WHERE stream = ? AND start = ?");
  const put = db.prepare(
    `INSERT INTO interval (stream, start, energy, provenance, version) VALUES (?1, ?2, ?3, ?4, ${nextVersion})
     ON CONFLICT (stream, start) DO UPDATE SET energy = excluded.energy, provenance = excluded.provenance,
       version = excluded.version`,
  );
  for (const { stream, interval } of intervals) {
    const { start, energy, provenance } = interval;
    const old = held.get(stream, start);
    if (old && Number(old.energy) === energy && old.provenance === provenance) continue;
    if (old) supersedeInterval(db, { stream, start, now });
    put.run(stream, start, energy, provenance);
  }
}

interface Slot {
  readonly stream: string;
  readonly start: number;
  readonly now: number;
}

const supersedeInterval = (db: DatabaseSync, { stream, start, now }: Slot): void =>
  void db
    .prepare(
      `INSERT OR IGNORE INTO interval_version (stream, start, version, energy, provenance, until)
       SELECT stream, start, version, energy, provenance, ? FROM interval WHERE stream = ? AND start = ?`,
    )
    .run(now, stream, start);

function forgetIntervals(db: DatabaseSync, slots: ReopenedPass["unknownIntervals"], now: number): void {
  const forget = db.prepare("DELETE FROM interval WHERE stream = ? AND start = ?");
  for (const { stream, start } of slots) {
    supersedeInterval(db, { stream, start, now });
    forget.run(stream, start);
  }
}

/** The row of a summary that became unknown is of this kind until it is known again. */
export const UNKNOWN_KIND = "energyUnknown";

function keepSummaries(db: DatabaseSync, summaries: SummaryPass["summaries"], now: number): void {
  const held = db.prepare(
    `SELECT id, summary FROM summary WHERE kind IN (?1, iif(?1 = 'energyInterval', '${UNKNOWN_KIND}', ?1))
     AND member = ?2 AND key = ?3`,
  );
  const insert = db.prepare("INSERT INTO summary (kind, member, key, time, summary) VALUES (?, ?, ?, ?, ?)");
  for (const { key, time, summary } of summaries) {
    const text = JSON.stringify(summary);
    const old = held.get(summary.kind, summary.member, key);
    if (!old) insert.run(summary.kind, summary.member, key, time, text);
    else if (old.summary !== text) renew(db, { id: Number(old.id), kind: summary.kind, text, now });
  }
}

interface Renewal {
  readonly id: number;
  readonly kind: string;
  readonly text: string;
  readonly now: number;
}

/**
 * The newest version stands in the row; the ones before it are kept beside it. What has left is decided again, so that
 * a correction follows; what was denied stays denied.
 */
function renew(db: DatabaseSync, { id, kind, text, now }: Renewal): void {
  db.prepare(
    "INSERT INTO summary_version (summary, version, content, until) SELECT id, version, summary, ? FROM summary WHERE id = ?",
  ).run(now, id);
  const { open, left, lapsed } = DECIDED;
  const unknown = kind === UNKNOWN_KIND ? 1 : 0;
  db.prepare(
    `UPDATE summary SET kind = ?, summary = ?, version = version + 1, decided = CASE
       WHEN decided = ${left} OR (decided IN (${open}, ${lapsed}) AND EXISTS (SELECT 1 FROM release WHERE summary = ?3))
         THEN ${open}
       WHEN decided IN (${open}, ${lapsed}) THEN iif(?4, ${lapsed}, ${open})
       ELSE decided END
     WHERE id = ?3`,
  ).run(kind, text, id, unknown);
}

function forgetSummaries(db: DatabaseSync, gone: ReopenedPass["unknownSummaries"], now: number): void {
  const held = db.prepare(
    "SELECT id, summary FROM summary WHERE kind = 'energyInterval' AND member = ? AND key = ?",
  );
  for (const { member, key } of gone) {
    const old = held.get(member, key);
    if (!old) continue;
    const summary = { ...(JSON.parse(String(old.summary)) as object), unknown: true };
    renew(db, { id: Number(old.id), kind: UNKNOWN_KIND, text: JSON.stringify(summary), now });
  }
}
