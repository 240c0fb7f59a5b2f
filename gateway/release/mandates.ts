import type { DatabaseSync } from "node:sqlite";
import {
  instant,
  memberId,
  type GuardianMandate,
  type MemberId,
  type OfferId,
} from "../../domain/model/index.ts";

/** Guardian mandates: who may say yes for whom. A revoked one ends what was said under it at the next decision. */
export interface MandateRecord extends GuardianMandate {
  readonly id: number;
}

export interface Revocation {
  readonly id: number;
  readonly time: number;
  readonly by: "member" | "board";
}

export const mandateCommands = {
  /** @returns the number of the mandate */
  giveMandate(db: DatabaseSync, { guardian, member, scope, from, until }: GuardianMandate): number {
    const sql = `INSERT INTO mandate (guardian, member, scope, "from", until) VALUES (?, ?, ?, ?, ?)`;
    const kept = db.prepare(sql).run(guardian, member, JSON.stringify(scope), from, until);
    return Number(kept.lastInsertRowid);
  },

  /** @returns false where there is no such mandate, or it was revoked before */
  revokeMandate(db: DatabaseSync, { id, time, by }: Revocation): boolean {
    const sql = "UPDATE mandate SET revoked = ?, revoked_by = ? WHERE id = ? AND revoked IS NULL";
    return db.prepare(sql).run(time, by, id).changes > 0;
  },
};

/** Every mandate, also those that ended, of one member or of all. */
export const mandateRecords = (db: DatabaseSync, member?: MemberId): MandateRecord[] =>
  db
    .prepare("SELECT * FROM mandate WHERE ?1 IS NULL OR member = ?1 ORDER BY id")
    .all(member ?? null)
    .map(mandateOf);

export const mandateOf = (row: Record<string, unknown>): MandateRecord => ({
  id: Number(row["id"]),
  guardian: String(row["guardian"]),
  member: memberId(String(row["member"])),
  scope: JSON.parse(String(row["scope"])) as "all" | OfferId[],
  from: instant(Number(row["from"])),
  until: instant(Number(row["until"])),
  ...(row["revoked"] !== null && {
    revoked: { at: instant(Number(row["revoked"])), by: row["revoked_by"] === "board" ? "board" : "member" },
  }),
});
