import type { DatabaseSync } from "node:sqlite";

/** A witness of this gateway's log, and what it said last. */
export interface WitnessWord {
  readonly witness: string;
  readonly heard: number;
  /** How far it knows the log. */
  readonly size: number;
  /** Why it does not cosign; null: it does. */
  readonly because: string | null;
}

/** The head of a neighbour's log that was cosigned here. */
export interface SeenHead {
  readonly origin: string;
  /** The size that was known here before: another request may have come in between. */
  readonly old: number;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly note: string;
  readonly seen: number;
}

export interface Evidence {
  readonly origin: string;
  readonly head: string;
  /** Of the head. */
  readonly size: number;
  readonly because: string;
  /** Two heads of one size, both signed, are a contradiction; a proof that does not hold may be somebody else's. */
  readonly proven: boolean;
  readonly seen: number;
}

/** Pieces of evidence that are kept of one log: the first ones say all that there is to say. */
const EVIDENCE_MAX = 20;

export const witnessCommands = {
  saveWitnessWord(db: DatabaseSync, { witness, heard, size, because }: WitnessWord): void {
    // since: when it began to refuse.
    db.prepare(
      `INSERT INTO witness_word (witness, heard, size, because, since) VALUES (?1, ?2, ?3, ?4, ?2)
       ON CONFLICT (witness) DO UPDATE SET heard = ?2, size = ?3, because = ?4,
         since = CASE WHEN (because IS NULL) = (?4 IS NULL) THEN since ELSE ?2 END`,
    ).run(witness, heard, size, because);
  },

  /** Keeps the head that is about to be cosigned, where nobody was faster. @returns whether it was kept */
  saveSeenHead(db: DatabaseSync, { origin, old, size, root, note, seen }: SeenHead): boolean {
    const known = Number(db.prepare("SELECT size FROM watched_head WHERE origin = ?").get(origin)?.size ?? 0);
    if (known !== old) return false;
    db.prepare(
      `INSERT INTO watched_head (origin, size, root, note, seen) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note,
         seen = excluded.seen`,
    ).run(origin, size, root, note, seen);
    // What was doubted and is now the beginning of a proven log was no fault of it.
    db.prepare("DELETE FROM watched_evidence WHERE origin = ? AND head = ? AND proven = 0").run(origin, note);
    return true;
  },

  saveEvidence(db: DatabaseSync, { origin, head, size, because, proven, seen }: Evidence): void {
    db.prepare(
      `INSERT OR IGNORE INTO watched_evidence (origin, head, size, because, proven, seen) SELECT ?1, ?2, ?3, ?4, ?5, ?6
       WHERE (SELECT count(*) FROM watched_evidence WHERE origin = ?1) < ${EVIDENCE_MAX}`,
    ).run(origin, head, size, because, proven ? 1 : 0, seen);
  },
};
