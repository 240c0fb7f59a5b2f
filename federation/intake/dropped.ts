import type { BatchBody } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/**
 * The numbers of a gateway's items: those that are held, those that the gateway took back before they left or had
 * deleted, and the gaps in between, which it is asked to send again.
 */

/** Largest number of gaps that one receipt names; the next receipt names the next. */
const GAPS_MAX = 100;

/** Notes what the gateway says will never come. What is held all the same stays held. */
export async function keepDropped(
  tx: Queryable,
  { gateway, batch, now }: { readonly gateway: string; readonly batch: BatchBody; readonly now: number },
): Promise<void> {
  if (!batch.dropped || batch.dropped.length === 0) return;
  const rows = batch.dropped.map(([first, last]) => ({ first, last }));
  await tx.query(
    `INSERT INTO item_dropped (gateway, first, last, told)
     SELECT $1, first, last, $2::bigint FROM json_to_recordset($3::json) AS r (first bigint, last bigint)
     ON CONFLICT DO NOTHING`,
    [gateway, now, JSON.stringify(rows)],
  );
}

/** What is known above `items_through`: ranges of it, both ends included. */
const KNOWN = `SELECT g.items_through AS through, i.sequence AS first, i.sequence AS last
    FROM gateway g JOIN item i ON i.gateway = g.id AND i.sequence > g.items_through WHERE g.id = $1
  UNION ALL SELECT g.items_through, d.first, d.last
    FROM gateway g JOIN item_dropped d ON d.gateway = g.id AND d.last > g.items_through WHERE g.id = $1
  UNION ALL SELECT g.items_through, e.sequence, e.sequence
    FROM gateway g JOIN item_erased e ON e.gateway = g.id AND e.sequence > g.items_through WHERE g.id = $1`;

/** The gaps below the highest number that is known, and that number; 0 before the first. */
export async function stepsOf(
  tx: Queryable,
  gateway: string,
): Promise<{ readonly gaps: [number, number][]; readonly through: number }> {
  const gaps = await gapsOf(tx, gateway);
  const [row] = await tx.query(
    `SELECT greatest(items_through, (SELECT max(last) FROM (${KNOWN}) AS known)) AS through FROM gateway WHERE id = $1`,
    [gateway],
  );
  return { gaps, through: Number(row?.through ?? 0) };
}

/** Ranges of sequences, both ends included, that are missing below the highest that is known. */
export async function gapsOf(tx: Queryable, gateway: string): Promise<[number, number][]> {
  const rows = await tx.query(
    `SELECT before + 1 AS first, first - 1 AS last FROM (
       SELECT first, greatest(through, max(last) OVER (
         ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before
       FROM (${KNOWN}) AS known
     ) AS steps WHERE first > before + 1 ORDER BY first LIMIT ${GAPS_MAX}`,
    [gateway],
  );
  return rows.map(({ first, last }) => [Number(first), Number(last)]);
}
