import type { DatabaseSync } from "node:sqlite";
import type { MemberId, OfferId, PinnedConsent } from "../../domain/model/index.ts";
import { dropWaiting } from "./dropped.ts";

/** A yes as it is kept, with the policy that the member read; `givingOf` (consents.ts) makes it. */
export interface Giving extends Omit<PinnedConsent, "withdrawn" | "guardian" | "limits"> {
  /** As `limitsToText` and `policyToText` (protocol/policy.ts) write them: the writer's thread reads neither. */
  readonly limits: string;
  readonly policy: string;
  /** The number of the mandate under which a guardian says it. */
  readonly mandate?: number;
}

export interface Withdrawal {
  readonly member: MemberId;
  readonly offer: OfferId;
  readonly withdrawn: number;
}

export const consentCommands = {
  /** Keeps a yes with its policy. It takes the place of an earlier yes to the offer, which ends where this one begins. */
  giveConsent(db: DatabaseSync, c: Giving): void {
    db.prepare("INSERT OR IGNORE INTO consented_policy (hash, policy) VALUES (?, ?)").run(
      c.policyHash,
      c.policy,
    );
    db.prepare(
      "UPDATE consent SET expires = ?1 WHERE member = ?2 AND offer = ?3 AND withdrawn IS NULL AND expires > ?1",
    ).run(c.given, c.member, c.offer);
    db.prepare(
      `INSERT INTO consent (member, offer, purpose, recipient, policy_version, policy_hash, given, expires, limits, mandate)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      ...[c.member, c.offer, c.purpose, c.recipient, c.policyVersion, c.policyHash, c.given, c.expires],
      ...[c.limits, c.mandate ?? null],
    );
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
