import type { DatabaseSync } from "node:sqlite";
import { canonicalJson } from "../../protocol/canonical.ts";
import type { OutboxItem } from "../../protocol/messages.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import { appendLeaf, egressCommands } from "./egress-log.ts";
import { droppedCommands } from "./dropped.ts";
import { leafText, type Leaf } from "../../protocol/egress-leaf.ts";
import { nextSequence, restoredCommands } from "./restored.ts";

/** One summary that the gate let pass, as it will travel; the outbox number is given inside the transaction. */
export interface Passed {
  readonly summaryId: number;
  readonly member: string;
  readonly subject: string;
  readonly recipient: string;
  readonly released: number;
  readonly item: Omit<OutboxItem, "sequence">;
  /** What the egress log will say of it, but for the digest of the bytes. */
  readonly leaf: Omit<Leaf, "digest">;
}

export interface ReleasePass {
  readonly passed: readonly Passed[];
  readonly denied: readonly number[];
  /** Every energy interval before this instant is decided. */
  readonly completeThrough: number;
}

export const releaseCommands = {
  ...egressCommands,
  ...droppedCommands,
  ...restoredCommands,

  /** Writes each release, its egress leaf and its place in the outbox together, or none of them. */
  release(db: DatabaseSync, pass: ReleasePass): void {
    const decide = db.prepare("UPDATE summary SET decided = ? WHERE id = ? AND decided = 0");
    const insert = db.prepare(
      `INSERT INTO release (sequence, summary, member, subject, offer, recipient, released, item, version, corrects)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const outbox = db.prepare("INSERT INTO outbox (sequence, item) VALUES (?, ?)");
    for (const id of pass.denied) decide.run(2, id);
    for (const { summaryId, member, subject, recipient, released, item, leaf } of pass.passed) {
      // Decided already: a repeated pass after a crash releases nothing twice.
      if (decide.run(1, summaryId).changes === 0) continue;
      const sequence = nextSequence(db);
      const bytes = canonicalJson({ ...item, sequence });
      const { version = 1, corrects = null } = item;
      insert.run(
        ...[sequence, summaryId, member, subject, item.offer, recipient, released, bytes],
        ...[version, corrects],
      );
      appendLeaf(db, sequence, leafText({ ...leaf, digest: sha256Hex(bytes) }));
      outbox.run(sequence, bytes);
    }
    db.prepare(
      "INSERT INTO progress (name, value) VALUES ('released', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
    ).run(pass.completeThrough);
  },
};
