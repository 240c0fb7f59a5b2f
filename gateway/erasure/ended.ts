import type { DatabaseSync } from "node:sqlite";
import { RESTORED } from "../record/progress.ts";
import type { ErasureRequest } from "../../protocol/erasure.ts";

/** A yes that ended, and the releases that left under it and that nobody was asked to delete yet. */
export interface Ended {
  readonly member: string;
  readonly offer: string;
  /** The consents that ended, by their numbers on record. */
  readonly consents: readonly number[];
  readonly stretches: readonly Stretch[];
}

/** A time in which a yes stood without a break, and that is over. */
export interface Stretch {
  readonly end: number;
  readonly because: ErasureRequest["because"];
}

export interface Said {
  readonly given: number;
  readonly expires: number;
  readonly withdrawn?: number;
}

/**
 * The stretches of one member's yes to one offer that are over at `now`. A consent that follows without a break, also
 * under another version of the policy, goes on with the same stretch: what left before is still agreed to.
 */
export function endedStretches(consents: readonly Said[], now: number): Stretch[] {
  const stretches: { end: number; because: Stretch["because"] }[] = [];
  for (const one of consents.toSorted((a, b) => a.given - b.given)) {
    const end = Math.min(one.expires, one.withdrawn ?? Infinity);
    const because = one.withdrawn === end ? "consentWithdrawn" : "consentExpired";
    const last = stretches.at(-1);
    if (!last || one.given > last.end) stretches.push({ end, because });
    else if (end >= last.end) Object.assign(last, { end, because });
  }
  return stretches.filter(({ end }) => end <= now);
}

/** Every consent as it ends: what a guardian said ends with the mandate, as the member's own does with a withdrawal. */
const CONSENTS = `(SELECT consent.id, consent.member, offer, given,
  min(expires, coalesce(until, expires)) AS expires, min(coalesce(withdrawn, revoked), coalesce(revoked, withdrawn))
  AS withdrawn FROM consent LEFT JOIN mandate ON mandate.id = consent.mandate)`;

/**
 * What ended and was not looked at yet. While the clock is not trusted only what somebody took back counts. A record
 * that came out of a backup has ended every yes by itself (backup/restore.ts): that was nobody's wish, and has nothing
 * deleted.
 */
export function endedYeses(
  db: DatabaseSync,
  { now, clockTrusted }: { readonly now: number; readonly clockTrusted: boolean },
): Ended[] {
  const expired = clockTrusted ? now : -1;
  const ended = db.prepare(
    `SELECT id, member, offer FROM ${CONSENTS} WHERE (withdrawn IS NOT NULL OR expires <= ?)
       AND id NOT IN (SELECT consent FROM consent_ended)
       AND coalesce(withdrawn, -1) NOT IN (SELECT restored FROM restoration)
       AND coalesce(withdrawn, -1) NOT IN (SELECT value FROM progress WHERE name = '${RESTORED}') ORDER BY id`,
  );
  const rows = ended.all(expired).map((row) => ({
    ...{ id: Number(row.id), member: String(row.member), offer: String(row.offer) },
  }));
  const pairs = Map.groupBy(rows, ({ member, offer }) => `${member}/${offer}`);
  return [...pairs.values()].flatMap((list) => {
    const [first] = list;
    if (!first) return [];
    const { member, offer } = first;
    const stretches = endedStretches(saidBy(db, member, offer), clockTrusted ? now : withdrawnBy(db, first));
    return [{ member, offer, consents: list.map(({ id }) => id), stretches }];
  });
}

function saidBy(db: DatabaseSync, member: string, offer: string): Said[] {
  const sql = `SELECT given, expires, withdrawn FROM ${CONSENTS} WHERE member = ? AND offer = ?`;
  return db
    .prepare(sql)
    .all(member, offer)
    .map(({ given, expires, withdrawn }) => ({
      ...{ given: Number(given), expires: Number(expires) },
      ...(withdrawn !== null && { withdrawn: Number(withdrawn) }),
    }));
}

const withdrawnBy = (
  db: DatabaseSync,
  { member, offer }: { readonly member: string; readonly offer: string },
): number =>
  Number(
    db
      .prepare(`SELECT coalesce(max(withdrawn), -1) AS last FROM ${CONSENTS} WHERE member = ? AND offer = ?`)
      .get(member, offer)?.last,
  );

/** Which releases are about the member ?1: alone, or in a group. */
export const ABOUT =
  "(release.member = ?1 OR release.sequence IN (SELECT sequence FROM group_member WHERE member = ?1))";

/** Releases of a stretch that may have reached their recipient and that nobody was asked to delete, by recipient. */
export function releasesToErase(
  db: DatabaseSync,
  { member, offer }: Pick<Ended, "member" | "offer">,
  { end }: Pick<Stretch, "end">,
): Map<string, number[]> {
  const sql = `SELECT sequence, recipient FROM release WHERE ${ABOUT} AND offer = ?2 AND released <= ?3
      AND (tried IS NOT NULL OR sequence IN (SELECT sequence FROM receipt))
      AND sequence NOT IN (
        SELECT release FROM erasure_release JOIN erasure ON erasure.id = erasure WHERE erasure.member = ?1)
    ORDER BY sequence`;
  const by = new Map<string, number[]>();
  for (const row of db.prepare(sql).all(member, offer, end)) {
    const recipient = String(row.recipient);
    by.set(recipient, [...(by.get(recipient) ?? []), Number(row.sequence)]);
  }
  return by;
}
