import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../domain/model/index.ts";
import { severityOf, type FlowAlert } from "./commands.ts";

/** What flows have to say to one member: on that member's own page, and nowhere else. */
export interface MemberAlert extends Omit<FlowAlert, "sms"> {
  /** Never given twice: who is done with one is not done with what came in its place. */
  readonly id: number;
  /** Whether the short message went out; absent where none was asked for. */
  readonly sms?: boolean;
}

/** The newest stay. */
export const MEMBER_ALERTS_KEPT = 50;

export const memberAlertCommands = {
  /** One a key for each member: what comes again under it takes the place of what was said before. */
  keepMemberAlerts(
    db: DatabaseSync,
    { members, ...alert }: Omit<FlowAlert, "sms"> & { readonly members: readonly string[] },
  ): void {
    const { key, time, severity, text, by } = alert;
    const drop = db.prepare("DELETE FROM member_alert WHERE member = ? AND key = ?");
    const keep = db.prepare(
      "INSERT INTO member_alert (member, key, time, severity, text, by) VALUES (?, ?, ?, ?, ?, ?)",
    );
    const trim = db.prepare(
      `DELETE FROM member_alert WHERE member = ?1 AND id NOT IN
         (SELECT id FROM member_alert WHERE member = ?1 ORDER BY id DESC LIMIT ?2)`,
    );
    for (const member of members) {
      drop.run(member, key);
      keep.run(member, key, time, severity, text, by);
      trim.run(member, MEMBER_ALERTS_KEPT);
    }
  },

  /** What became of its short message; nothing where the member is done with it already. */
  keepMemberAlertSms(
    db: DatabaseSync,
    { member, key, time, sent }: MemberAlertPlace & { readonly sent: boolean },
  ): void {
    db.prepare("UPDATE member_alert SET sms = ? WHERE member = ? AND key = ? AND time = ?").run(
      sent ? 1 : 0,
      member,
      key,
      time,
    );
  },

  /** @returns whether this member had it */
  dropMemberAlert(
    db: DatabaseSync,
    { member, id }: { readonly member: string; readonly id: number },
  ): boolean {
    return db.prepare("DELETE FROM member_alert WHERE id = ? AND member = ?").run(id, member).changes > 0;
  },
};

interface MemberAlertPlace {
  readonly member: string;
  readonly key: string;
  readonly time: Instant;
}

/** Newest first. */
export const alertsTo = (db: DatabaseSync, member: string, limit: number): readonly MemberAlert[] =>
  db
    .prepare("SELECT * FROM member_alert WHERE member = ? ORDER BY id DESC LIMIT ?")
    .all(member, limit)
    .map((row) => ({
      id: Number(row.id),
      key: String(row.key),
      time: Number(row.time) as Instant,
      severity: severityOf(row.severity),
      text: String(row.text),
      by: String(row.by),
      ...(row.sms !== null && { sms: row.sms === 1 }),
    }));
