import type { DatabaseSync } from "node:sqlite";
import { standingToday } from "../../domain/consent/asked.ts";
import type { Day, DenyReason, Instant, PinnedConsent, VotedOffer } from "../../domain/model/index.ts";
import { dayBounds, instant, memberId, nextDay } from "../../domain/model/index.ts";
import { answer, type AdviceAnswer, type Answer, type ClearingAnswer } from "../../protocol/messages.ts";
import { consentRecords, consentsUnder } from "../release/consents.ts";
import { isForHub } from "../release/recipient.ts";
import { inForce } from "../site/load.ts";
import type { Portal } from "./context.ts";

/** What left of a member's data, what they agreed to, and what came back. Every query names the member. */
export interface Left {
  readonly sequence: number;
  readonly released: Instant;
  readonly offer: string;
  readonly recipient: string;
  /** The bytes that left, as text (canonical JSON). */
  readonly item: string;
  /** When the hub's signed receipt for exactly these bytes came; absent while it waits. */
  readonly received?: Instant;
  /** How many are in it, where it is a sum over a group; 0 for the member's own. */
  readonly homes: number;
  /** Whether it was ever handed to the wire. */
  readonly tried: boolean;
  /** Where it was taken out of the outbox before a receipt came. */
  readonly dropped?: { readonly time: Instant; readonly because: string };
}

/** The most that a page or an answer shows of one day: seven days' worth of quarter hours. */
export const LEFT_MAX = 700;

/** A release about the member alone, or about a group that they are in. */
const ABOUT =
  "(release.member = ?1 OR release.sequence IN (SELECT sequence FROM group_member WHERE member = ?1))";

/** What left during the day, newest first. */
export function leftOn(
  db: DatabaseSync,
  { member, day, zone, limit }: { member: string; day: Day; zone: string; limit: number },
): { readonly count: number; readonly rows: readonly Left[] } {
  const { start, end } = dayBounds(day, zone);
  const where = `WHERE ${ABOUT} AND released >= ?2 AND released < ?3`;
  const sql = `SELECT release.sequence, released, offer, recipient, item, tried, receipt.received,
      dropped.time AS dropped, because,
      (SELECT count(*) FROM group_member WHERE group_member.sequence = release.sequence) AS homes
    FROM release LEFT JOIN receipt USING (sequence) LEFT JOIN dropped USING (sequence) ${where}
    ORDER BY release.sequence DESC LIMIT ?4`;
  const count = db.prepare(`SELECT count(*) AS n FROM release ${where}`).get(member, start, end)?.n;
  const rows = db.prepare(sql).all(member, start, end, limit);
  return {
    count: Number(count),
    rows: rows.map((row) => ({
      sequence: Number(row.sequence),
      released: instant(Number(row.released)),
      offer: String(row.offer),
      recipient: String(row.recipient),
      item: String(row.item),
      homes: Number(row.homes),
      tried: row.tried !== null || row.received !== null,
      ...(row.received !== null && { received: instant(Number(row.received)) }),
      ...(row.dropped !== null && {
        dropped: { time: instant(Number(row.dropped)), because: String(row.because) },
      }),
    })),
  };
}

export interface DayCount {
  readonly day: Day;
  /** Releases that passed the gate on that day. */
  readonly count: number;
}

/** How much of a member's left on each day of the month that `day` is in. */
export function leftInMonth(
  db: DatabaseSync,
  { member, day, zone }: { member: string; day: Day; zone: string },
): readonly DayCount[] {
  const month = day.slice(0, 7);
  const count = db.prepare(
    `SELECT count(*) AS n FROM release WHERE ${ABOUT} AND released >= ?2 AND released < ?3`,
  );
  const days: DayCount[] = [];
  for (let at = `${month}-01` as Day; at.startsWith(month); at = nextDay(at)) {
    const { start, end } = dayBounds(at, zone);
    days.push({ day: at, count: Number(count.get(member, start, end)?.n) });
  }
  return days;
}

export interface OfferState {
  readonly offer: VotedOffer;
  readonly shared: boolean;
  /** Why it is not shared. */
  readonly because?: DenyReason;
  /** The yes that was given last and not taken back, as it was given. */
  readonly consent?: PinnedConsent;
  /** There is a yes that was not taken back and has not run out, whether anything leaves under it or not. */
  readonly agreed: boolean;
  /** There is a yes that would hold, but the offer has grown since: the member is asked again. */
  readonly askedAgain: boolean;
}

/** Each offer of the policy in force and how this member stands to it now: as the gate decides. */
export function offersOf(
  { store, policy: source, clock, site }: Pick<Portal, "store" | "policy" | "clock" | "site">,
  id: string,
): readonly OfferState[] {
  const [member, now, policy] = [memberId(id), clock.now(), inForce(source)];
  const consents = consentsUnder(store.read, policy, member);
  const given = consentRecords(store.read, member);
  const moment = { now, clockTrusted: clock.trusted(), policy, consents };
  return (policy?.offers ?? []).map((offer) => {
    const standing = standingToday(moment, { member, offer: offer.id });
    const refusal = standing.stands ? undefined : standing.because;
    const because = refusal ?? (isForHub(offer, site.hub) ? undefined : "recipientUnknown");
    const consent = given.findLast((one) => one.offer === offer.id && one.withdrawn === undefined);
    return {
      ...{ offer, shared: because === undefined },
      ...(because && { because }),
      ...(consent && { consent }),
      agreed: consent !== undefined && now < consent.expires,
      askedAgain: because === "consentOtherPolicy" && consent !== undefined && now < consent.expires,
    };
  });
}

/** The member's newest answers of a kind, newest first. */
export function answersOf(
  db: DatabaseSync,
  { member, kind, limit }: { member: string; kind: Answer["kind"]; limit: number },
): readonly Answer[] {
  const sql = `SELECT answer FROM answer WHERE member = ? AND kind = ?
    ORDER BY CAST(key AS INTEGER) DESC, key DESC LIMIT ?`;
  const rows = db.prepare(sql).all(member, kind, limit);
  return rows.map((row) => answer.parse(JSON.parse(String(row.answer))));
}

export const latestAdvice = (db: DatabaseSync, member: string): AdviceAnswer | undefined =>
  answersOf(db, { member, kind: "advice", limit: 1 }).find((one) => one.kind === "advice");

export interface Money {
  readonly currency: string;
  /** Whole minor units. */
  readonly paid: number;
  readonly received: number;
  readonly fromVillageWh: number;
  readonly toVillageWh: number;
}

/** Clearings are kept for each quarter hour: at most 100 a day. */
const CLEARINGS_MAX = 100;

/** The clearings of a day, newest first, and their money; no sum where there is no clearing. */
export function clearingsOn(
  db: DatabaseSync,
  { member, day, zone }: { member: string; day: Day; zone: string },
): { readonly clearings: readonly ClearingAnswer[]; readonly money?: Money } {
  const { start, end } = dayBounds(day, zone);
  const clearings = answersOf(db, { member, kind: "clearing", limit: CLEARINGS_MAX }).flatMap((one) =>
    one.kind === "clearing" && one.slot >= start && one.slot < end ? [one] : [],
  );
  const [first] = clearings;
  if (!first) return { clearings };
  const sum = (field: "paid" | "received" | "fromVillageWh" | "toVillageWh") =>
    clearings.reduce((total, one) => total + one[field], 0);
  const money = {
    currency: first.currency,
    paid: sum("paid"),
    received: sum("received"),
    fromVillageWh: sum("fromVillageWh"),
    toVillageWh: sum("toVillageWh"),
  };
  return { clearings, money };
}
