import type { Storage } from "../storage/index.ts";
import { ERASURE_RELEASES_MAX } from "../../protocol/erasure.ts";
import { forget, type Horizons } from "./erasure.ts";

/**
 * What was agreed to be kept for so many days is deleted when they are over, without anybody asking: as a member's
 * request would, and the sums of groups besides. A settled trade stays for the accounts.
 */
export async function endRetention(storage: Storage, now: number, horizons: Horizons): Promise<number> {
  const rows = await storage.query(
    `SELECT gateway, sequence FROM item WHERE keep_until <= $1::bigint
     ORDER BY gateway, sequence LIMIT ${ERASURE_RELEASES_MAX}`,
    [now],
  );
  const over = Map.groupBy(rows, ({ gateway }) => String(gateway));
  for (const [gateway, list] of over) {
    const releases = list.map(({ sequence }) => Number(sequence));
    await storage.transaction(async (tx) => {
      const named = "SELECT value::bigint FROM json_array_elements_text($2::json)";
      const sums = [gateway, JSON.stringify(releases)];
      await tx.query(`DELETE FROM group_statistic WHERE gateway = $1 AND sequence IN (${named})`, sums);
      await forget(tx, { gateway, releases, now }, horizons, { sums: "go" });
    });
  }
  return rows.length;
}
