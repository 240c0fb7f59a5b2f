import type { DatabaseSync } from "node:sqlite";
import { instant, memberId, type Consent, type MemberId, type OfferId } from "../../domain/model/index.ts";
import { dropWaiting } from "./dropped.ts";

export interface Withdrawal {
  readonly member: MemberId;
  readonly offer: OfferId;
  readonly withdrawn: number;
}

export const consentCommands = {
  giveConsent(db: DatabaseSync, c: Omit<Consent, "withdrawn">): void {
    db.prepare(
      "INSERT INTO consent (member, offer, purpose, recipient, policy_version, given, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ).run(c.member, c.offer, c.purpose, c.recipient, c.policyVersion, c.given, c.expires);
  },

  /**
   * Ends every consent of the member to the offer, and takes out of the outbox what waits under them.
   * @returns how many were ended
   */
  withdrawConsent(db: DatabaseSync, { member, offer, withdrawn }: Withdrawal): number {
    const sql = "UPDATE consent SET withdrawn = ? WHERE member = ? AND offer = ? AND withdrawn IS NULL";
    dropWaiting(db, { member, offer, time: withdrawn });
    return Number(db.prepare(sql).run(withdrawn, member, offer).changes);
  },
};

/** A consent under the number that it has on record, for ever. */
export interface ConsentRecord extends Consent {
  readonly id: number;
}

/** Every consent on record, also the ended ones, in the order in which they were given. */
export function consentRecords(db: DatabaseSync, member?: MemberId): ConsentRecord[] {
  const sql = `SELECT id, member, offer, purpose, recipient, policy_version AS policyVersion, given, expires, withdrawn
    FROM consent WHERE ?1 IS NULL OR member = ?1 ORDER BY id`;
  const rows = db.prepare(sql).all(member ?? null);
  return rows.map((row) => ({
    id: Number(row.id),
    member: memberId(String(row.member)),
    offer: String(row.offer) as OfferId,
    purpose: String(row.purpose),
    recipient: String(row.recipient),
    policyVersion: Number(row.policyVersion),
    given: instant(Number(row.given)),
    expires: instant(Number(row.expires)),
    ...(row.withdrawn !== null && { withdrawn: instant(Number(row.withdrawn)) }),
  }));
}

/** The same without their numbers: the gate looks at the last of each. */
export const consentsOf = (db: DatabaseSync, member?: MemberId): Consent[] =>
  consentRecords(db, member).map(({ id: _, ...consent }) => consent);
