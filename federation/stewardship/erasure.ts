import type { KeyObject } from "node:crypto";
import { FieldwattError } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { requestDigest } from "../../protocol/erasure-digest.ts";
import {
  erasureAnswer,
  requestHolds,
  signAnswer,
  type ErasureAnswer,
  type ErasurePart,
  type ErasureRequest,
} from "../../protocol/erasure.ts";
import { outboxItem } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/**
 * Forgetting at the hub. A member took a yes back, and their gateway asks that what left under it is deleted. It is:
 * the item, what was made of it, and the advice on it. Two things stay, and are said. What went into a group's sum
 * cannot be taken out of it. A quarter hour that is settled keeps its trade and its money, until the time for which
 * accounts must be kept is over; the home's other figures of it go.
 *
 * The numbers stay as tombstones: they are no gaps, and a copy of an old message never brings their items back.
 */
const DAY_MS = 86_400_000;
/** The storage files are cleaned at least this long after a deletion (purge.ts), ms. */
export const FILES_CLEAN_MS = 2 * DAY_MS;

export interface Horizons {
  /** Days for which a backup of the hub is kept. */
  readonly backupDays: number;
  /** Days for which the law wants settled trades kept, from the settlement on. */
  readonly settlementDays: number;
}

export interface Erasing {
  readonly gateway: string;
  readonly request: ErasureRequest;
  /** The gateway's. */
  readonly gatewayKey: KeyObject;
  readonly now: number;
}

export type Erase = (tx: Queryable, erasing: Erasing) => Promise<ErasureAnswer>;

/**
 * What intake calls in the transaction of a request. The same request again gets the answer that it got.
 * The function it returns throws FieldwattError SIGNATURE_INVALID for a request that is not the gateway's to this hub.
 */
export function eraserOf(options: Horizons & { readonly hub: string; readonly key: KeyObject }): Erase {
  const { hub, key, backupDays } = options;
  return async (tx, erasing) => {
    const { gateway, request, gatewayKey, now } = erasing;
    if (request.gateway !== gateway || request.hub !== hub || !requestHolds(request, gatewayKey))
      throw new FieldwattError("SIGNATURE_INVALID", `A request of ${gateway} to forget does not verify`);
    const digest = requestDigest(request);
    const known = await answerTo(tx, gateway, digest);
    if (known) return known;
    const parts = await forget(tx, { gateway, releases: request.releases, now }, options);
    const answer = signAnswer(
      {
        ...{ version: 1, hub, gateway, request: digest, answered: now, parts: [...parts] },
        ...{ filesCleanBy: now + FILES_CLEAN_MS, backupsCleanBy: now + backupDays * DAY_MS },
      },
      key,
    );
    await tx.query("INSERT INTO erasure (gateway, request, answered, answer) VALUES ($1, $2, $3, $4)", [
      ...[gateway, digest, now, canonicalJson(answer)],
    ]);
    return answer;
  };
}

async function answerTo(tx: Queryable, gateway: string, digest: string): Promise<ErasureAnswer | undefined> {
  const [row] = await tx.query("SELECT answer FROM erasure WHERE gateway = $1 AND request = $2", [
    ...[gateway, digest],
  ]);
  return row && erasureAnswer.parse(JSON.parse(String(row.answer)));
}

/** An item of one home, by what its figures are kept under. */
interface Held {
  readonly sequence: number;
  readonly subject: string;
  /** Of a quarter hour. */
  readonly slot?: number;
  readonly day?: string;
}

/** Releases of one gateway that are to go. */
export interface Leaving {
  readonly gateway: string;
  readonly releases: readonly number[];
  readonly now: number;
}

/** Deletes what can be, inside the caller's transaction. @returns what became of each */
export async function forget(
  tx: Queryable,
  { gateway, releases, now }: Leaving,
  { settlementDays }: Horizons,
  { sums = "stay" }: { readonly sums?: "stay" | "go" } = {},
): Promise<readonly ErasurePart[]> {
  const { own, inGroups } = await heldItems(tx, gateway, releases);
  const inseparable = sums === "stay" ? inGroups : new Set<number>();
  const of = { gateway, own: JSON.stringify(own) };
  await deleteFigures(tx, of);
  // After the deletion: a clearing that was under way has committed by now.
  const settled = await holdSettled(tx, of, settlementDays * DAY_MS);
  const gone = releases.filter((sequence) => !inseparable.has(sequence));
  await bury(tx, { gateway, sequences: gone, now });
  const known = new Set(own.map(({ sequence }) => sequence));
  const held = Map.groupBy(settled.keys(), (sequence) => settled.get(sequence));
  return [
    partOf(
      "deleted",
      gone.filter((one) => known.has(one) && !settled.has(one)),
    ),
    partOf(
      "notHeld",
      gone.filter((one) => !known.has(one)),
    ),
    partOf("inseparable", [...inseparable]),
    ...[...held].map(([until, releases]) => partOf("lawfulHold", releases, until)),
  ].filter(({ releases }) => releases.length > 0);
}

const partOf = (
  outcome: ErasurePart["outcome"],
  releases: readonly number[],
  until?: number,
): ErasurePart => ({
  outcome,
  releases: [...releases],
  ...(until !== undefined && { until }),
});

async function heldItems(
  tx: Queryable,
  gateway: string,
  sequences: readonly number[],
): Promise<{ readonly own: readonly Held[]; readonly inGroups: ReadonlySet<number> }> {
  const rows = await tx.query(
    `SELECT sequence, item FROM item WHERE gateway = $1
       AND sequence IN (SELECT value::bigint FROM json_array_elements_text($2::json)) ORDER BY sequence`,
    [gateway, JSON.stringify(sequences)],
  );
  const own: Held[] = [];
  const inGroups = new Set<number>();
  for (const { sequence, item } of rows) {
    const { summary } = outboxItem.parse(JSON.parse(String(item)));
    const at = Number(sequence);
    // What names nobody is of a group.
    if (!("subject" in summary)) inGroups.add(at);
    else if (summary.kind === "farmDay")
      own.push({ sequence: at, subject: summary.subject, day: summary.day });
    else own.push({ sequence: at, subject: summary.subject, slot: summary.start });
  }
  return { own, inGroups };
}

interface Own {
  readonly gateway: string;
  /** `Held` items, as JSON. */
  readonly own: string;
}

const KEYS = `json_to_recordset($2::json) AS r (sequence bigint, subject text, slot bigint, day text)`;

async function deleteFigures(tx: Queryable, { gateway, own }: Own): Promise<void> {
  const run = (sql: string): Promise<unknown> => tx.query(sql, [gateway, own]);
  await run(
    `DELETE FROM energy_interval e USING ${KEYS} WHERE e.gateway = $1 AND e.subject = r.subject AND e.start = r.slot`,
  );
  await run(`DELETE FROM correction c USING ${KEYS} WHERE c.gateway = $1 AND c.sequence = r.sequence`);
  await run(
    `DELETE FROM farm_day f USING ${KEYS} WHERE f.gateway = $1 AND f.subject = r.subject AND f.day = r.day`,
  );
  const advised = await tx.query(
    `DELETE FROM advice a USING ${KEYS} WHERE a.gateway = $1 AND a.subject = r.subject AND a.day = r.day
     RETURNING a.subject`,
    [gateway, own],
  );
  // The farm's figures are in the advice, too. Its number stays, so that the gateway's count has no hole.
  if (advised.length > 0)
    await run(
      `UPDATE answer w SET answer = '{"kind":"forgotten"}' FROM ${KEYS} WHERE w.gateway = $1
         AND r.day IS NOT NULL AND w.answer::json->>'kind' = 'advice'
         AND w.answer::json->>'subject' = r.subject AND w.answer::json->>'day' = r.day`,
    );
}

/** What the accounts need stays until then. @returns the items of settled slots, each with its time */
async function holdSettled(tx: Queryable, { gateway, own }: Own, ms: number): Promise<Map<number, number>> {
  const rows = await tx.query(
    `SELECT r.sequence, r.subject, r.slot, c.cleared + $3::bigint AS until FROM ${KEYS}
       JOIN clearing_share s ON s.gateway = $1 AND s.subject = r.subject AND s.slot = r.slot
       JOIN clearing c ON c.slot = s.slot`,
    [gateway, own, ms],
  );
  await tx.query(
    `INSERT INTO erasure_hold (gateway, subject, slot, until)
     SELECT DISTINCT $1, subject, slot, until
     FROM json_to_recordset($2::json) AS r (subject text, slot bigint, until bigint) ON CONFLICT DO NOTHING`,
    [gateway, JSON.stringify(rows)],
  );
  return new Map(rows.map(({ sequence, until }) => [Number(sequence), Number(until)]));
}

async function bury(
  tx: Queryable,
  {
    gateway,
    sequences,
    now,
  }: { readonly gateway: string; readonly sequences: readonly number[]; readonly now: number },
): Promise<void> {
  const list = JSON.stringify(sequences);
  const named = "SELECT value::bigint FROM json_array_elements_text($2::json)";
  await tx.query(`DELETE FROM item WHERE gateway = $1 AND sequence IN (${named})`, [gateway, list]);
  await tx.query(
    `INSERT INTO item_erased (gateway, sequence, erased) SELECT $1, value::bigint, $3::bigint
     FROM json_array_elements_text($2::json) ON CONFLICT DO NOTHING`,
    [gateway, list, now],
  );
  await tx.query("UPDATE purge SET due = least(due, $1::bigint)", [now]);
}
