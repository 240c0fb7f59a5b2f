import type { DatabaseSync } from "node:sqlite";
import type { MemberId, OfferId, Span } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { leafText, type Leaf } from "../../protocol/egress-leaf.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import type { OutboxItem } from "../../protocol/messages.ts";
import { appendLeaf } from "./egress-log.ts";
import { nextSequence } from "./restored.ts";

export interface Frozen {
  readonly offer: OfferId;
  /** Of the epoch. */
  readonly start: number;
  readonly frozen: number;
  readonly partition: readonly (readonly MemberId[])[];
  readonly blocks: readonly (readonly MemberId[])[];
}

export interface GroupWindow {
  readonly offer: OfferId;
  readonly window: Span;
  readonly decided: number;
}

export interface GroupDenial extends GroupWindow {
  readonly because: string;
}

export interface GroupRelease extends GroupWindow {
  /** The number under which `openGroup` keeps the statistic; in the salts of the commitments. */
  readonly statistic: number;
  readonly members: readonly MemberId[];
  readonly recipient: string;
  readonly leastMembers: number;
  /** What each member inside spends; absent for an exact sum. */
  readonly epsilon?: string;
  readonly item: Omit<OutboxItem, "sequence">;
  readonly leaf: Omit<Leaf, "digest">;
}

const STATISTIC = "groupStatistic";

export const collectiveCommands = {
  /** Freezes the cohorts of an epoch, once, and keeps members who were put into the partition. */
  freezeEpoch(db: DatabaseSync, { offer, start, frozen, partition, blocks }: Frozen): void {
    const place = db.prepare(
      "INSERT OR IGNORE INTO cohort_partition (offer, member, block) VALUES (?, ?, ?)",
    );
    partition.forEach((members, block) => members.forEach((member) => place.run(offer, member, block)));
    const epoch = "INSERT OR IGNORE INTO cohort_epoch (offer, start, frozen) VALUES (?, ?, ?)";
    if (db.prepare(epoch).run(offer, start, frozen).changes === 0) return;
    const insert = db.prepare("INSERT INTO cohort_member (offer, start, block, member) VALUES (?, ?, ?, ?)");
    blocks.forEach((members, block) => members.forEach((member) => insert.run(offer, start, block, member)));
  },

  /** @returns the number of the statistic of this window, the same for ever */
  openGroup(db: DatabaseSync, { offer, window }: Pick<GroupWindow, "offer" | "window">): number {
    const key = `${offer} ${window.from}`;
    // Decided, because no member's summary is: the gate of the own account passes it by.
    db.prepare(
      `INSERT OR IGNORE INTO summary (kind, member, key, time, summary, decided) VALUES ('${STATISTIC}', '', ?, ?, '{}', 1)`,
    ).run(key, window.from);
    const sql = `SELECT id FROM summary WHERE kind = '${STATISTIC}' AND member = '' AND key = ?`;
    return Number(db.prepare(sql).get(key)?.id);
  },

  /** A no, too, is said once for a window: a consent that comes later does not reach back. */
  denyGroup(db: DatabaseSync, { offer, window, decided, because }: GroupDenial): void {
    db.prepare(
      "INSERT OR IGNORE INTO group_window (offer, start, finish, decided, because) VALUES (?, ?, ?, ?, ?)",
    ).run(offer, window.from, window.to, decided, because);
  },

  /**
   * Writes a group's release, its leaf, its members, what they spend and its place in the outbox together, or none of
   * them. The epsilon is spent with that, whatever becomes of the sending, and nothing gives it back.
   */
  releaseGroup(db: DatabaseSync, group: GroupRelease): void {
    const { offer, window, decided, statistic, members, recipient, leastMembers, epsilon, item, leaf } =
      group;
    const known = db.prepare("SELECT 1 FROM group_window WHERE offer = ? AND start = ?");
    if (known.get(offer, window.from)) return;
    const sequence = nextSequence(db);
    const bytes = canonicalJson({ ...item, sequence });
    db.prepare("UPDATE summary SET summary = ? WHERE id = ?").run(canonicalJson(item.summary), statistic);
    db.prepare(
      `INSERT INTO release (sequence, summary, member, subject, offer, recipient, released, item) VALUES (?, ?, '', '', ?, ?, ?, ?)`,
    ).run(sequence, statistic, offer, recipient, decided, bytes);
    const inside = db.prepare("INSERT INTO group_member (sequence, member) VALUES (?, ?)");
    for (const member of members) inside.run(sequence, member);
    db.prepare(
      `INSERT INTO group_window (offer, start, finish, decided, sequence, least_members, purpose, recipient, epsilon)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      ...[offer, window.from, window.to, decided, sequence, leastMembers],
      ...[item.purpose, recipient, epsilon ?? null],
    );
    appendLeaf(db, sequence, leafText({ ...leaf, digest: sha256Hex(bytes) }));
    db.prepare("INSERT INTO outbox (sequence, item) VALUES (?, ?)").run(sequence, bytes);
  },
};
