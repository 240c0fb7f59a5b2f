import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../../domain/model/index.ts";
import { deleteBlock, prepare, rowOf, touch, utcDay, type BlockHead } from "../blocks/rows.ts";
import { transact } from "../transact.ts";
import { describe, faultOf, headsOf, type DamagedBlock } from "./verify.ts";

/**
 * Takes damaged blocks out of the record, into its table `quarantine`, so that nothing stumbles over them again. What
 * they held is lost to queries; their days are rolled up anew from what is left. The file must not be in use.
 * @returns exactly what was lost
 */
export function quarantineDamaged(db: DatabaseSync, now: Instant): DamagedBlock[] {
  const lost: DamagedBlock[] = [];
  for (const head of [...headsOf(db)]) {
    const because = faultOf(db, head);
    if (because === undefined) continue;
    lost.push(describe(db, head, because));
    transact(db, () => quarantine(db, head, now));
  }
  return lost;
}

function quarantine(db: DatabaseSync, head: BlockHead, now: Instant): void {
  const { id, device, first, last, readings, first_frame, last_frame } = head;
  const sql = `INSERT INTO quarantine (device, first, last, readings, first_frame, last_frame, data, found)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
  prepare(db, sql).run(device, first, last, readings, first_frame, last_frame, bytesOf(db, id), now);
  deleteBlock(db, id);
  touch(db, device, utcDay(first));
}

/** Its bytes, where the file still gives them. */
function bytesOf(db: DatabaseSync, id: number): Uint8Array | null {
  try {
    return rowOf(db, id)?.data ?? null;
  } catch {
    return null;
  }
}
