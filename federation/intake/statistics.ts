import type { OutboxItem } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/** Keeps sums over groups. Of one offer and window there is one for ever: a gateway that tells another is not believed. */
export async function keepStatistics(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<void> {
  const rows = items.flatMap(({ sequence, offer, summary }) =>
    summary.kind === "groupStatistic" ? [{ ...summary, sequence, offer }] : [],
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO group_statistic (gateway, offer, window_from, window_to, sequence, about, value, unit, members, epsilon)
     SELECT $1, offer, "from", "to", sequence, "of", value, unit, members, epsilon
     FROM json_to_recordset($2::json) AS r (offer text, "from" bigint, "to" bigint, sequence bigint, "of" text,
       value bigint, unit text, members bigint, epsilon text)
     ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(rows)],
  );
}
