import type { DatabaseSync } from "node:sqlite";

export interface ReceivedItem {
  readonly sequence: number;
  readonly digest: string;
  readonly received: number;
}

export const outboxCommands = {
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
   * releases. @returns how many wait again
   */
  requeue(db: DatabaseSync, gaps: readonly (readonly [first: number, last: number])[]): number {
    const put = db.prepare(
      "INSERT OR IGNORE INTO outbox (sequence, item) SELECT sequence, item FROM release WHERE sequence BETWEEN ? AND ?",
    );
    return gaps.reduce((count, [first, last]) => count + Number(put.run(first, last).changes), 0);
  },
};
