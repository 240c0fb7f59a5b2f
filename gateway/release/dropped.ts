import type { DatabaseSync } from "node:sqlite";
import type { MemberId, OfferId } from "../../domain/model/index.ts";
import type { DroppedRanges } from "../../protocol/messages.ts";

/**
 * What was released and then taken back before it was delivered. It leaves the outbox and never comes back there; its
 * release and its leaf in the egress log stay, and say what happened.
 */
export interface Drop {
  readonly sequence: number;
  readonly because: string;
}

export interface Settled {
  readonly time: number;
  readonly dropped: readonly Drop[];
  /** What is handed to the wire for the first time. */
  readonly tried: readonly number[];
}

export const droppedCommands = {
  /** Keeps what was decided at the moment of sending, before any of it is sent. */
  settleSending(db: DatabaseSync, { time, dropped, tried }: Settled): void {
    for (const { sequence, because } of dropped) dropOne(db, { sequence, because, time });
    const mark = db.prepare("UPDATE release SET tried = ? WHERE sequence = ? AND tried IS NULL");
    for (const sequence of tried) mark.run(time, sequence);
  },

  /** The hub has said that it knows of these gaps. */
  toldDropped(db: DatabaseSync, ranges: DroppedRanges): void {
    const tell = db.prepare("UPDATE dropped SET told = 1 WHERE sequence BETWEEN ? AND ? AND told = 0");
    for (const [first, last] of ranges) tell.run(first, last);
  },
};

export function dropOne(
  db: DatabaseSync,
  { sequence, because, time }: Drop & { readonly time: number },
): void {
  db.prepare("DELETE FROM outbox WHERE sequence = ?").run(sequence);
  db.prepare("INSERT OR IGNORE INTO dropped (sequence, time, because) VALUES (?, ?, ?)").run(
    ...[sequence, time, because],
  );
}

export interface TakenBack {
  readonly member: MemberId;
  readonly offer: OfferId;
  readonly time: number;
}

/** Takes out of the outbox what a member took back, inside the transaction of the withdrawal. @returns how many */
export function dropWaiting(db: DatabaseSync, { member, offer, time }: TakenBack): number {
  const sql = `SELECT outbox.sequence FROM outbox JOIN release USING (sequence) WHERE offer = ?1
    AND (member = ?2 OR sequence IN (SELECT sequence FROM group_member WHERE member = ?2))`;
  const waiting = db.prepare(sql).all(offer, member);
  for (const { sequence } of waiting)
    dropOne(db, { sequence: Number(sequence), because: "consentWithdrawn", time });
  return waiting.length;
}

/** What the hub is told in one batch, at most; the next batch tells the next. */
const TOLD_MAX = 5_000;

/** Dropped sequences that the hub does not know of, as at most `ranges` ranges with both ends included. */
export function untoldDropped(db: DatabaseSync, ranges: number): DroppedRanges {
  const sql = `SELECT sequence FROM dropped WHERE told = 0 ORDER BY sequence LIMIT ${TOLD_MAX}`;
  const told: DroppedRanges = [];
  for (const row of db.prepare(sql).iterate()) {
    const sequence = Number(row.sequence);
    const last = told.at(-1);
    if (last && last[1] === sequence - 1) last[1] = sequence;
    else if (told.length === ranges) break;
    else told.push([sequence, sequence]);
  }
  return told;
}
