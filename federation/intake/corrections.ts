import type { OutboxItem } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/**
 * Corrections of quarter hours that were told before. Every one is kept, once, by its gateway's number. A slot that is
 * not cleared yet takes the newest version; a clearing is never changed (decision 0004), so that a correction of a
 * cleared slot is kept and listed, and not traded.
 */
export interface Told {
  readonly gateway: string;
  readonly now: number;
}

/** @returns sequences of corrections that came after their slot was cleared */
export async function keepCorrections(
  tx: Queryable,
  { gateway, now }: Told,
  items: readonly OutboxItem[],
): Promise<readonly number[]> {
  const rows = items.flatMap(({ sequence, summary, version, corrects }) =>
    version !== undefined && summary.kind !== "farmDay" ? [{ ...summary, sequence, version, corrects }] : [],
  );
  if (rows.length === 0) return [];
  const kept = await tx.query(
    `INSERT INTO correction (gateway, sequence, subject, start, version, corrects, import_wh, export_wh, production_wh,
       consumption_wh, self_consumption_wh, provenance, cleared, received)
     SELECT $1, sequence, subject, start, version, corrects, import, export, production, consumption, "selfConsumption",
       provenance, EXISTS (SELECT FROM clearing WHERE slot = r.start), $3::bigint
     FROM json_to_recordset($2::json) AS r (sequence bigint, subject text, start bigint, version integer, corrects bigint,
       import bigint, export bigint, production bigint, consumption bigint, "selfConsumption" bigint, provenance text)
     ON CONFLICT DO NOTHING RETURNING sequence, subject, start, cleared`,
    [gateway, JSON.stringify(rows), now],
  );
  for (const { subject, start, cleared } of kept)
    if (cleared !== true) await useNewest(tx, { gateway, subject: String(subject), start: Number(start) });
  return kept.filter(({ cleared }) => cleared === true).map(({ sequence }) => Number(sequence));
}

interface Key {
  readonly gateway: string;
  readonly subject: string;
  readonly start: number;
}

/** What the slot will be cleared with: the newest version that was told; nothing, if that one says unknown. */
async function useNewest(tx: Queryable, { gateway, subject, start }: Key): Promise<void> {
  const key = [gateway, subject, start];
  await tx.query(
    "DELETE FROM energy_interval WHERE gateway = $1 AND subject = $2 AND start = $3 AND NOT settled",
    key,
  );
  await tx.query(
    `INSERT INTO energy_interval (gateway, subject, start, sequence, import_wh, export_wh, production_wh, consumption_wh,
       self_consumption_wh, provenance, version)
     SELECT gateway, subject, start, sequence, import_wh, export_wh, production_wh, consumption_wh, self_consumption_wh,
       provenance, version
     FROM (SELECT * FROM correction WHERE gateway = $1 AND subject = $2 AND start = $3 ORDER BY version DESC LIMIT 1) AS c
     WHERE import_wh IS NOT NULL ON CONFLICT DO NOTHING`,
    key,
  );
}
