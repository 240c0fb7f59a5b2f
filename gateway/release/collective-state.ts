import type { DatabaseSync } from "node:sqlite";
import { emptyLedger, spend, type EpsilonLedger } from "../../domain/consent/budget.ts";
import type { PastRelease } from "../../domain/consent/guard.ts";
import {
  instant,
  memberId,
  rationalFromText,
  type MemberId,
  type OfferId,
  type Span,
} from "../../domain/model/index.ts";

/** What the record knows of the collective lane: partitions, frozen cohorts, past releases and the epsilon spent. */
type Blocks = readonly (readonly MemberId[])[];

const blocksOf = (rows: readonly Record<string, unknown>[]): Blocks =>
  [...Map.groupBy(rows, (row) => Number(row["block"])).values()].map((block) =>
    block.map((row) => memberId(String(row["member"]))),
  );

export const partitionOf = (db: DatabaseSync, offer: OfferId): Blocks =>
  blocksOf(
    db
      .prepare("SELECT block, member FROM cohort_partition WHERE offer = ? ORDER BY block, member")
      .all(offer),
  );

/** The cohorts of an epoch, and when they were frozen; undefined before. */
export function frozenCohorts(
  db: DatabaseSync,
  { offer, start }: { readonly offer: OfferId; readonly start: number },
): { readonly frozen: number; readonly blocks: Blocks } | undefined {
  const row = db.prepare("SELECT frozen FROM cohort_epoch WHERE offer = ? AND start = ?").get(offer, start);
  if (!row) return undefined;
  const sql = "SELECT block, member FROM cohort_member WHERE offer = ? AND start = ? ORDER BY block, member";
  return { frozen: Number(row.frozen), blocks: blocksOf(db.prepare(sql).all(offer, start)) };
}

/** Members who took back a yes to the offer at `since` or later, also those who said yes again. */
export const revokedSince = (db: DatabaseSync, offer: OfferId, since: number): MemberId[] =>
  db
    .prepare("SELECT DISTINCT member FROM consent WHERE offer = ? AND withdrawn >= ?")
    .all(offer, since)
    .map((row) => memberId(String(row.member)));

/** Every group release whose window overlaps, of any offer and recipient: also those that never were sent. */
export function groupReleases(db: DatabaseSync, window: Span): PastRelease[] {
  const sql = `SELECT offer, start, finish, sequence, least_members FROM group_window
    WHERE sequence IS NOT NULL AND start < ? AND finish > ?`;
  return db
    .prepare(sql)
    .all(window.to, window.from)
    .map((row) => ({
      offer: String(row.offer) as OfferId,
      window: { from: instant(Number(row.start)), to: instant(Number(row.finish)) },
      members: membersOfRelease(db, Number(row.sequence)),
      leastMembers: Number(row.least_members),
    }));
}

export const membersOfRelease = (db: DatabaseSync, sequence: number): MemberId[] =>
  db
    .prepare("SELECT member FROM group_member WHERE sequence = ? ORDER BY member")
    .all(sequence)
    .map((row) => memberId(String(row.member)));

/** What was spent so far, summed up from the releases themselves. */
export function epsilonLedger(db: DatabaseSync): EpsilonLedger {
  const sql = `SELECT sequence, purpose, recipient, epsilon FROM group_window
    WHERE sequence IS NOT NULL AND epsilon IS NOT NULL`;
  let ledger = emptyLedger;
  for (const row of db.prepare(sql).all()) {
    const use = { purpose: String(row.purpose), recipient: String(row.recipient) };
    const epsilon = rationalFromText(String(row.epsilon));
    ledger = spend(ledger, membersOfRelease(db, Number(row.sequence)), { ...use, epsilon });
  }
  return ledger;
}

/** Where the next window of an offer begins: behind the last that was decided; undefined before the first. */
export function decidedThrough(db: DatabaseSync, offer: OfferId): number | undefined {
  const row = db.prepare("SELECT max(finish) AS finish FROM group_window WHERE offer = ?").get(offer);
  return row?.finish === null || row === undefined ? undefined : Number(row.finish);
}

/**
 * Until when a restored record does not know what it released: a window that began before may have left already, and
 * is not released again. 0 where nothing was lost.
 */
export const lostUntil = (db: DatabaseSync): number =>
  Number(
    db.prepare("SELECT coalesce(max(settled), 0) AS until FROM restoration WHERE first <= last").get()?.until,
  );
