import type { DatabaseSync } from "node:sqlite";
import { progressOf, RESTORED } from "../record/progress.ts";

/**
 * A record that came out of a backup does not know what it released since. A number that is given twice for different
 * bytes would be refused by the hub, and a log that is shorter than its witness saw it looks like one that was
 * rewritten. So nothing is released, and nothing sent, before the hub has said how far it is: the next release goes on
 * behind that, in a log of another name (its epoch). The one before stays with its witness, as it ended.
 */
const EPOCH = "egress epoch";

/** True from the restore until the hub has said what it holds. */
export const awaitsHub = (db: DatabaseSync): boolean => progressOf(db, RESTORED) !== undefined;

/** A key of the egress log under the log's present name. */
export function presentLog<Key extends { readonly name: string }>(db: DatabaseSync, key: Key): Key {
  const epoch = progressOf(db, EPOCH) ?? 1;
  return epoch === 1 ? key : { ...key, name: `${key.name}/${epoch}` };
}

/** Sequences that were released before a restore and are not on record, both ends included. */
export interface LostReleases {
  readonly first: number;
  readonly last: number;
}

/** Empty ranges, of restores that cost nothing, are left out. */
export function lostReleases(db: DatabaseSync): LostReleases[] {
  const rows = db.prepare("SELECT first, last FROM restoration WHERE first <= last ORDER BY id").all();
  return rows.map((row) => ({ first: Number(row.first), last: Number(row.last) }));
}

/** The number of the next release. */
export function nextSequence(db: DatabaseSync): number {
  const sql = `SELECT 1 + max(coalesce((SELECT max(sequence) FROM release), 0),
    coalesce((SELECT max(last) FROM restoration), 0)) AS next`;
  return Number(db.prepare(sql).get()?.next);
}

export interface HubKnows {
  /** The highest sequence that the hub knows of this gateway; 0 for none. */
  readonly highest: number;
  readonly time: number;
}

export const restoredCommands = {
  /** Releases go on behind what the hub knows. @returns false where the record did not wait for it */
  settleRestored(db: DatabaseSync, { highest, time }: HubKnows): boolean {
    const restored = progressOf(db, RESTORED);
    if (restored === undefined) return false;
    const first = nextSequence(db);
    db.prepare("INSERT INTO restoration (restored, settled, first, last) VALUES (?, ?, ?, ?)").run(
      ...[restored, time, first, Math.max(first - 1, highest)],
    );
    // The first line of a head is the name of its log.
    db.exec(`INSERT INTO egress_ended (name, size, note, signed)
        SELECT substr(note, 1, instr(note, char(10)) - 1), size, note, signed FROM egress_head;
      DELETE FROM egress_head;
      DELETE FROM egress_cosignature;
      INSERT INTO progress (name, value) VALUES ('${EPOCH}', 2) ON CONFLICT (name) DO UPDATE SET value = value + 1;
      DELETE FROM progress WHERE name = '${RESTORED}'`);
    return true;
  },
};
