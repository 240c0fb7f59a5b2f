import type { OutboxItem } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/** What later stages work on: the summaries of new items, each in the table of its kind. */

/**
 * The most that one member's quarter hour may hold to be traded, Wh (40 MW). Far above any member, and low enough that
 * the sums of a slot stay exact: one gateway that talks nonsense must not keep all others from being cleared.
 */
export const ENERGY_WH_MAX = 10_000_000;

/** Items whose energy no member can have had; they are kept as items, and not traded. */
export const implausibleItems = (items: readonly OutboxItem[]): readonly OutboxItem[] =>
  items.filter(
    ({ summary }) =>
      summary.kind === "energyInterval" && Math.max(summary.import, summary.export) > ENERGY_WH_MAX,
  );

/** Keeps quarter hours of energy. A subject's slot is told once: another item for it changes nothing. */
export async function keepEnergyIntervals(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<void> {
  const rows = items.flatMap(({ sequence, summary }) =>
    summary.kind === "energyInterval" ? [{ ...summary, sequence }] : [],
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO energy_interval (gateway, subject, start, sequence, import_wh, export_wh, production_wh, consumption_wh,
       self_consumption_wh, provenance)
     SELECT $1, subject, start, sequence, import, export, production, consumption, "selfConsumption", provenance
     FROM json_to_recordset($2::json) AS r (subject text, start bigint, sequence bigint, import bigint, export bigint,
       production bigint, consumption bigint, "selfConsumption" bigint, provenance text)
     ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(rows)],
  );
}

export async function keepFarmDays(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<void> {
  const rows = items.flatMap(({ sequence, summary }) =>
    summary.kind === "farmDay"
      ? [{ subject: summary.subject, day: summary.day, sequence, summary: JSON.stringify(summary) }]
      : [],
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO farm_day (gateway, subject, day, sequence, summary)
     SELECT $1, subject, day, sequence, summary
     FROM json_to_recordset($2::json) AS r (subject text, day text, sequence bigint, summary text)
     ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(rows)],
  );
}
