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

/** Keeps quarter hours of energy. A subject's slot is told once; what changes it is a correction (corrections.ts). */
export async function keepEnergyIntervals(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<void> {
  const rows = items.flatMap(({ sequence, summary, version }) =>
    summary.kind === "energyInterval" && version === undefined ? [{ ...summary, sequence }] : [],
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO energy_interval (gateway, subject, start, sequence, import_wh, export_wh, production_wh, consumption_wh,
       self_consumption_wh, provenance)
     SELECT $1, subject, start, sequence, import, export, production, consumption, "selfConsumption", provenance
     FROM json_to_recordset($2::json) AS r (subject text, start bigint, sequence bigint, import bigint, export bigint,
       production bigint, consumption bigint, "selfConsumption" bigint, provenance text)
     WHERE NOT EXISTS (SELECT FROM correction c WHERE c.gateway = $1 AND c.subject = r.subject AND c.start = r.start)
     ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(rows)],
  );
}

/** Keeps farm days; a correction counts while no advice was given on the day. */
export async function keepFarmDays(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<void> {
  const rows = items.flatMap(({ sequence, summary, version = 1 }) =>
    summary.kind === "farmDay"
      ? [{ subject: summary.subject, day: summary.day, sequence, version, summary: JSON.stringify(summary) }]
      : [],
  );
  if (rows.length === 0) return;
  const [first, corrections] = [
    rows.filter(({ version }) => version === 1),
    rows.filter(({ version }) => version > 1),
  ];
  const insert = `INSERT INTO farm_day (gateway, subject, day, sequence, summary)
     SELECT $1, subject, day, sequence, summary
     FROM json_to_recordset($2::json) AS r (subject text, day text, sequence bigint, summary text)`;
  await tx.query(`${insert} ON CONFLICT DO NOTHING`, [gateway, JSON.stringify(first)]);
  for (const one of corrections) {
    await tx.query(
      `${insert} ON CONFLICT (gateway, subject, day) DO UPDATE SET sequence = excluded.sequence, summary = excluded.summary
       WHERE NOT farm_day.advised AND farm_day.sequence < excluded.sequence`,
      [gateway, JSON.stringify([one])],
    );
  }
}
