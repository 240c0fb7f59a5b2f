import type { DatabaseSync } from "node:sqlite";
import type { Block } from "../blocks/codec.ts";
import type { Series } from "../blocks/columns.ts";
import { merge } from "../blocks/merge.ts";
import { piecesOf, readable } from "../blocks/pack.ts";
import { headsIn, prepare } from "../blocks/rows.ts";
import { classOf, retiredProgress, retiredThrough } from "../retention/classes.ts";
import { saveRollUp } from "./rows.ts";
import { HOLD_MS } from "./stretch.ts";

/** Readings rolled up in one transaction, about: commits wait for no longer than this takes. */
const READINGS_A_STEP = 100_000;

export interface DayOfDevice {
  readonly device: number;
  /** A civil day of the site, ms. */
  readonly from: number;
  readonly to: number;
  /** The last stream that is done already; -1 at the start. */
  readonly after: number;
}

/**
 * Rolls up a device's civil day from its blocks, some streams at a time. What retention took away already keeps the
 * roll-up that it had. The caller holds the transaction.
 * @returns the stream after which to go on, or undefined when the day is done
 */
export function rollUpDay(db: DatabaseSync, { device, from, to, after }: DayOfDevice): number | undefined {
  const stretch = { from: from - HOLD_MS, to };
  const blocks = headsIn(db, device, stretch).flatMap(({ id }) => readable(db, id));
  let readings = 0;
  for (const stream of streamsIn(blocks).filter((id) => id > after)) {
    if (retireAgain(db, stream, { from, to })) continue;
    const series = seriesIn(blocks, stream, stretch);
    saveRollUp(db, stream, { day: { from, to }, series });
    readings += series.count;
    if (readings >= READINGS_A_STEP) return stream;
  }
  return undefined;
}

const streamsIn = (blocks: readonly Block[]): number[] =>
  [...new Set(blocks.flatMap(({ streams }) => streams))].toSorted((a, b) => a - b);

export const seriesIn = (
  blocks: readonly Block[],
  stream: number,
  stretch: { readonly from: number; readonly to: number },
): Series => merge(blocks.flatMap((block) => piecesOf(block, stream, stretch)));

/** Late readings of a day that retention has done with: it looks at that day once more. @returns false for other days */
function retireAgain(
  db: DatabaseSync,
  stream: number,
  { from, to }: Pick<DayOfDevice, "from" | "to">,
): boolean {
  const name = String(prepare(db, "SELECT name FROM stream WHERE id = ?").get(stream)?.["name"]);
  if (retiredThrough(db, name) < to) return false;
  prepare(db, "UPDATE progress SET value = ? WHERE name = ? AND value > ?").run(
    from,
    retiredProgress(classOf(name)),
    from,
  );
  return true;
}
