import type { DatabaseSync } from "node:sqlite";
import { addBalances } from "../../domain/energy/balance.ts";
import {
  addMs,
  dayBounds,
  SLOT_MS,
  type Day,
  type EnergyBalance,
  type EnergyIntervalSummary,
  type Instant,
  type Provenance,
} from "../../domain/model/index.ts";

/** One member's civil day in quarter hours. A slot without a balance is unknown. */
export interface MemberDay {
  readonly day: Day;
  readonly start: Instant;
  readonly end: Instant;
  /** The quarter hours that are over, in order. */
  readonly slots: readonly DaySlot[];
  readonly total: EnergyBalance;
  readonly known: number;
  /** The first known quarter hour. */
  readonly since?: Instant;
}

export interface DaySlot {
  readonly start: Instant;
  readonly balance?: EnergyBalance;
  readonly provenance?: Provenance;
}

/** Reads what the summariser closed of this day. At most 100 rows: the day on which summer time ends. */
export function memberDay(
  db: DatabaseSync,
  { member, day, zone, now }: { member: string; day: Day; zone: string; now: Instant },
): MemberDay {
  const { start, end } = dayBounds(day, zone);
  const sql = `SELECT summary FROM summary
    WHERE member = ? AND kind = 'energyInterval' AND time >= ? AND time < ? ORDER BY time`;
  const rows = db.prepare(sql).all(member, start, end);
  const found = rows.map((row) => JSON.parse(String(row.summary)) as EnergyIntervalSummary);
  const known = new Map(found.map((summary) => [summary.start, summary]));
  const slots: DaySlot[] = [];
  const over = Math.max(Math.min(end, now), ...found.map((summary) => addMs(summary.start, SLOT_MS)));
  for (let slot = start; addMs(slot, SLOT_MS) <= over; slot = addMs(slot, SLOT_MS)) {
    const summary = known.get(slot);
    slots.push({ start: slot, ...(summary && { balance: summary.balance, provenance: summary.provenance }) });
  }
  return {
    day,
    start,
    end,
    slots,
    total: addBalances(found.map(({ balance }) => balance)),
    known: found.length,
    ...(found[0] && { since: found[0].start }),
  };
}
