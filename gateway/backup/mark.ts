import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../domain/model/index.ts";
import { RESTORED } from "../record/progress.ts";
import { RECORD_FILE } from "../record/reader.ts";
import { transact } from "../record/transact.ts";
import { DATA } from "./snapshot.ts";

/**
 * Marks the record of a restored folder, so that nothing is released before the hub has said what it holds; and ends
 * its consents, because a backup does not know which of them was taken back since. @returns consents that were ended
 */
export function markRestored(
  folder: string,
  { now, keepConsents }: { readonly now: Instant; readonly keepConsents: boolean },
): number {
  const file = join(folder, DATA, RECORD_FILE);
  if (!existsSync(file)) return 0;
  using db = new DatabaseSync(file);
  return transact(db, () => {
    db.prepare(
      "INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    ).run(RESTORED, now);
    if (keepConsents) return 0;
    const ended = db.prepare("UPDATE consent SET withdrawn = ? WHERE withdrawn IS NULL").run(now);
    return Number(ended.changes);
  });
}
