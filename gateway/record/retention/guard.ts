import type { DatabaseSync } from "node:sqlite";
import { prepare } from "../blocks/rows.ts";
import type { StreamClass } from "./classes.ts";

/**
 * Up to where readings of a class may be deleted: everything computed from them is summarised, what left is receipted,
 * what came late has been looked at again, and their days are rolled up. -Infinity where that is not known.
 */
export function retentionLimit(db: DatabaseSync, name: StreamClass, farms: readonly string[]): number {
  const least = (sql: string): number => {
    const found = prepare(db, sql).get()?.["least"];
    return found === null || found === undefined ? Infinity : Number(found);
  };
  return Math.min(
    summarisedThrough(db, name, farms),
    least("SELECT min(time) AS least FROM summary WHERE decided = 0"),
    least(`SELECT min(summary.time) AS least FROM outbox
      JOIN release ON release.sequence = outbox.sequence JOIN summary ON summary.id = release.summary`),
    least('SELECT min("from") AS least FROM reopened'),
    least("SELECT min(day) AS least FROM touched"),
  );
}

function summarisedThrough(db: DatabaseSync, name: StreamClass, farms: readonly string[]): number {
  const progress = (of: string): number =>
    Number(prepare(db, "SELECT value FROM progress WHERE name = ?").get(of)?.["value"] ?? -Infinity);
  if (name === "energy" || name === "power") return progress("energy");
  if (name === "weather" || name === "soil")
    return Math.min(Infinity, ...farms.map((member) => progress(`farm ${member}`)));
  return Infinity;
}
