import type { DatabaseSync } from "node:sqlite";
import { canonicalJson } from "../../protocol/canonical.ts";
import { requestDigest } from "../../protocol/erasure-digest.ts";
import type { ErasureAnswer, ErasureRequest } from "../../protocol/erasure.ts";
import { dropOne } from "../release/dropped.ts";
import { ABOUT, type Ended } from "./ended.ts";

export interface Asking extends Ended {
  /** Signed, in the order in which they are sent. */
  readonly requests: readonly ErasureRequest[];
}

export interface Heard {
  readonly answer: ErasureAnswer;
  /** The gateway's time. */
  readonly answered: number;
}

export const erasureCommands = {
  /**
   * A yes ended: takes out of the outbox what waits under it, and keeps the requests before anything of them is sent.
   * What was asked to be deleted once is not asked again.
   */
  askErasure(db: DatabaseSync, { member, offer, consents, stretches, requests }: Asking): void {
    dropEnded(db, { member, offer, stretches });
    const insert = db.prepare(
      `INSERT INTO erasure (digest, member, offer, recipient, asked, request) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING RETURNING id`,
    );
    const name = db.prepare("INSERT INTO erasure_release (release, erasure) VALUES (?, ?)");
    for (const request of requests) {
      const { recipient, asked, releases } = request;
      const row = insert.get(
        ...[requestDigest(request), member, offer, recipient, asked, canonicalJson(request)],
      );
      if (row) for (const release of releases) name.run(release, Number(row.id));
    }
    const end = db.prepare("INSERT OR IGNORE INTO consent_ended (consent) VALUES (?)");
    for (const consent of consents) end.run(consent);
  },

  /** Keeps the recipient's signed answer; the first stays. @returns false where there is no such open request */
  keepErased(db: DatabaseSync, { answer, answered }: Heard): boolean {
    const sql =
      "UPDATE erasure SET answer = ?, answered = ? WHERE digest = ? AND answer IS NULL RETURNING id";
    const row = db.prepare(sql).get(canonicalJson(answer), answered, answer.request);
    if (!row) return false;
    const tell = db.prepare(
      "UPDATE erasure_release SET outcome = ?, until = ? WHERE release = ? AND erasure = ?",
    );
    // Its last list may be older than this; the next one is held against what it says here.
    const unlist = db.prepare("DELETE FROM hub_held WHERE sequence = ?");
    for (const { outcome, until = null, releases } of answer.parts) {
      for (const release of releases) {
        tell.run(outcome, until, release, Number(row.id));
        if (outcome !== "inseparable") unlist.run(release);
      }
    }
    return true;
  },
};

function dropEnded(
  db: DatabaseSync,
  { member, offer, stretches }: Pick<Ended, "member" | "offer" | "stretches">,
): void {
  const waiting = db.prepare(
    `SELECT outbox.sequence FROM outbox JOIN release USING (sequence)
     WHERE ${ABOUT} AND offer = ?2 AND released <= ?3`,
  );
  for (const { end, because } of stretches)
    for (const { sequence } of waiting.all(member, offer, end))
      dropOne(db, { sequence: Number(sequence), because, time: end });
}
