import type { DatabaseSync } from "node:sqlite";
import { instant, memberId, type Instant, type MemberId } from "../../domain/model/index.ts";
import { outboxItem, type OutboxItem } from "../../protocol/messages.ts";
import { membersOfRelease } from "./collective-state.ts";
import { progressOf } from "../record/progress.ts";

/**
 * What has passed the gate and stands in the egress log. The brand has no constructor outside this folder: whoever
 * holds a `Released` got it from here, and the forwarder takes nothing else.
 */
declare const released: unique symbol;
export type Released<T> = T & { readonly [released]: true };

/** Something that waits to be delivered, and what it is decided by once more. */
export interface Waiting {
  readonly item: Released<OutboxItem>;
  /** Everyone whom it is about. */
  readonly members: readonly MemberId[];
  readonly recipient: string;
  readonly released: number;
  /** Whether it was handed to the wire before. */
  readonly tried: boolean;
}

/** The oldest items that wait to be delivered, in order; they were released when they were put there. */
export function waitingReleases(db: DatabaseSync, limit: number): Waiting[] {
  const sql = `SELECT outbox.sequence, outbox.item, member, recipient, released, tried FROM outbox JOIN release USING (sequence)
    ORDER BY outbox.sequence LIMIT ?`;
  return db
    .prepare(sql)
    .all(limit)
    .map((row) => ({
      item: outboxItem.parse(JSON.parse(String(row.item))) as Released<OutboxItem>,
      members:
        row.member === "" ? membersOfRelease(db, Number(row.sequence)) : [memberId(String(row.member))],
      recipient: String(row.recipient),
      released: Number(row.released),
      tried: row.tried !== null,
    }));
}

/**
 * The instant before which every energy interval that will ever leave is in the outbox's first `upTo` items or gone
 * already.
 */
export function completeThrough(db: DatabaseSync, upTo: number): Instant {
  // Read before the rest of the outbox: what is released in between shows up there.
  const decided = progressOf(db, "released") ?? instant(0);
  const rest = db.prepare("SELECT item FROM outbox WHERE sequence > ? ORDER BY sequence").iterate(upTo);
  for (const row of rest) {
    const item = outboxItem.parse(JSON.parse(String(row.item)));
    // A correction was told before, and holds nobody up.
    if (item.summary.kind === "energyInterval" && item.version === undefined)
      return instant(item.summary.start);
  }
  return decided;
}

/** The newest release of a summary. */
export interface LastRelease {
  readonly sequence: number;
  readonly offer: string;
  readonly version: number;
}

export function lastRelease(db: DatabaseSync, summary: number): LastRelease | undefined {
  const row = db
    .prepare("SELECT sequence, offer, version FROM release WHERE summary = ? ORDER BY sequence DESC LIMIT 1")
    .get(summary);
  return row && { sequence: Number(row.sequence), offer: String(row.offer), version: Number(row.version) };
}
