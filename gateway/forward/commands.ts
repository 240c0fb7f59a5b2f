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
};
