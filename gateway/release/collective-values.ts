import type { DatabaseSync } from "node:sqlite";
import {
  SLOT_MS,
  type MemberId,
  type ReleaseUnit,
  type Span,
  type VotedOffer,
} from "../../domain/model/index.ts";
import { progressOf } from "../record/progress.ts";

/** One member's part of a group figure. */
const DAY_MS = 86_400_000;
/** A window is decided so long after its end at the latest, whoever's data are still to come. */
const WAIT_MS = 2 * DAY_MS;

/**
 * What a farm counts for in each unit, and how many of it make a whole. Only rain adds up over days; the others are
 * figures of one day.
 */
const FARM: Readonly<Partial<Record<ReleaseUnit, { field: string; factor: number; adds: boolean }>>> = {
  "0.1 mm": { field: "rainfall", factor: 10, adds: true },
  "0.1 °C": { field: "airTemperatureMax", factor: 10, adds: false },
  "0.001 m³/m³": { field: "soilMoisture", factor: 1000, adds: false },
};

type Offered = Pick<VotedOffer, "kind" | "unit">;

/**
 * What a member counts for in a window: the energy used, or the farm's figure in the offer's unit; a whole number from
 * 0 up. Null where any part of it is unknown, which is not zero.
 */
export function valueOf(
  db: DatabaseSync,
  { member, offer, window }: { readonly member: MemberId; readonly offer: Offered; readonly window: Span },
): number | null {
  const value =
    offer.kind === "energyInterval" ? energyOf(db, member, window) : farmOf(db, member, { offer, window });
  return value !== null && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function energyOf(db: DatabaseSync, member: MemberId, { from, to }: Span): number | null {
  const row = db
    .prepare(
      `SELECT count(*) AS known, sum(json_extract(summary, '$.balance.consumption')) AS used,
         count(json_extract(summary, '$.unknown')) AS unknown
       FROM summary WHERE member = ? AND kind = 'energyInterval' AND time >= ? AND time < ?`,
    )
    .get(member, from, to);
  const whole = Number(row?.known) === (to - from) / SLOT_MS && Number(row?.unknown) === 0;
  return whole ? Number(row?.used) : null;
}

function farmOf(
  db: DatabaseSync,
  member: MemberId,
  { offer, window: { from, to } }: { readonly offer: Offered; readonly window: Span },
): number | null {
  const counted = FARM[offer.unit];
  const days = (to - from) / DAY_MS;
  if (!counted || days < 1 || (days > 1 && !counted.adds)) return null;
  const row = db
    .prepare(
      `SELECT count(json_extract(summary, ?1)) AS known, sum(json_extract(summary, ?1)) AS total
       FROM summary WHERE member = ?2 AND kind = 'farmDay' AND time >= ?3 AND time < ?4`,
    )
    .get(`$.farm.${counted.field}`, member, from, to);
  return Number(row?.known) === days ? Math.round(Number(row?.total) * counted.factor) : null;
}

/** Whether all that will be known of a window is known: the summariser has closed it, or it ended long ago. */
export function isClosed(
  db: DatabaseSync,
  { kind, window, now }: { readonly kind: VotedOffer["kind"]; readonly window: Span; readonly now: number },
): boolean {
  if (now >= window.to + WAIT_MS) return true;
  if (kind === "energyInterval") return (progressOf(db, "energy") ?? 0) >= window.to;
  const sql = "SELECT count(*) AS behind FROM progress WHERE name LIKE 'farm %' AND value < ?";
  return Number(db.prepare(sql).get(window.to)?.behind) === 0;
}
