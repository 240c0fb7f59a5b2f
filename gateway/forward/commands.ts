import type { DatabaseSync } from "node:sqlite";
import type { ReceivedBody } from "../../protocol/messages.ts";

export interface ReceivedItem {
  readonly sequence: number;
  readonly digest: string;
  readonly received: number;
}

export interface HeldList extends ReceivedBody {
  readonly heard: number;
}

export const outboxCommands = {
  /** Keeps a list of what the hub holds: it says all of its range, so that what it does not name is gone. */
  saveHeld(db: DatabaseSync, { from, through, held, heard }: HeldList): void {
    db.prepare("DELETE FROM hub_held WHERE sequence >= ? AND sequence <= ?").run(
      from,
      through ?? Number.MAX_SAFE_INTEGER,
    );
    const insert = db.prepare("INSERT INTO hub_held (sequence, digest, heard) VALUES (?, ?, ?)");
    for (const { sequence, digest } of held) insert.run(sequence, digest, heard);
    if (through === null)
      db.prepare(
        "INSERT INTO progress (name, value) VALUES ('held listed', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      ).run(heard);
  },

  /** Takes out of the outbox what the hub's signed receipt names, and keeps the receipt. */
  trimOutbox(db: DatabaseSync, received: readonly ReceivedItem[]): void {
    const trim = db.prepare("DELETE FROM outbox WHERE sequence = ?");
    const keep = db.prepare("INSERT OR IGNORE INTO receipt (sequence, digest, received) VALUES (?, ?, ?)");
    for (const item of received) {
      trim.run(item.sequence);
      keep.run(item.sequence, item.digest, item.received);
    }
  },

  /**
   * Puts back what a hub once signed for and has lost (a power cut, an old backup): the same bytes, from the log of
   * releases. What was dropped stays dropped, and the hub is told again; what is to be forgotten stays away. @returns how many wait again
   */
  requeue(db: DatabaseSync, gaps: readonly (readonly [first: number, last: number])[]): number {
    const put = db.prepare(
      `INSERT OR IGNORE INTO outbox (sequence, item) SELECT sequence, item FROM release
       WHERE sequence BETWEEN ? AND ? AND sequence NOT IN (SELECT sequence FROM dropped)
         AND sequence NOT IN (SELECT release FROM erasure_release)`,
    );
    const tell = db.prepare("UPDATE dropped SET told = 0 WHERE sequence BETWEEN ? AND ? AND told = 1");
    for (const [first, last] of gaps) tell.run(first, last);
    return gaps.reduce((count, [first, last]) => count + Number(put.run(first, last).changes), 0);
  },
};
