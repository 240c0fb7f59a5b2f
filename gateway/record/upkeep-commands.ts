import type { DatabaseSync } from "node:sqlite";
import { compactDay } from "./blocks/compact.ts";
import { DAY_MS, prepare } from "./blocks/rows.ts";
import { retireStep } from "./retention/retire.ts";
import { rollUpDay } from "./rollups/day.ts";

/** The device's UTC day. */
export interface DeviceDay {
  readonly device: number;
  readonly day: number;
}

/** The newest block of a device's UTC day, or 0. */
export function newestBlock(db: DatabaseSync, { device, day }: DeviceDay): number {
  const sql = "SELECT max(id) AS id FROM block WHERE device = ? AND first >= ? AND first < ?";
  return Number(prepare(db, sql).get(device, day, day + DAY_MS)?.["id"] ?? 0);
}

/** The record's own work between commits: each is one short transaction. */
export const upkeepCommands = {
  compactDay,
  rollUpDay,
  retireStep,
  /** The day is as it should be, unless a block came in after `newest`. */
  settleDay(db: DatabaseSync, { device, day, newest }: DeviceDay & { readonly newest: number }): boolean {
    if (newestBlock(db, { device, day }) !== newest) return false;
    prepare(db, "DELETE FROM touched WHERE device = ? AND day = ?").run(device, day);
    return true;
  },
};
