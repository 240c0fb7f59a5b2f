import type { DatabaseSync } from "node:sqlite";
import type { Series } from "./columns.ts";
import { merge, whole, type Cut } from "./merge.ts";
import { readable, writeBlock } from "./pack.ts";
import { DAY_MS, deleteBlock, headsIn, type BlockHead } from "./rows.ts";
import type { Block } from "./codec.ts";

/** Readings of a block that was put together: enough to pack well, few enough to be read in a few milliseconds. */
export const COMPACT_READINGS_MAX = 30_000;

/**
 * Puts blocks of one device and UTC day together, as many as fit into one: hours of a busy meter, whole days of a soil
 * probe, and late data with what was there. Damaged blocks stay where they are. The caller holds the transaction.
 * @returns true when there may be more to do
 */
export function compactDay(db: DatabaseSync, { device, day }: { device: number; day: number }): boolean {
  for (const group of groupsOf(headsIn(db, device, { from: day, to: day + DAY_MS }))) {
    const opened = group.flatMap((head) => readable(db, head.id).map((block) => ({ head, block })));
    if (opened.length < 2) continue;
    const heads = opened.map(({ head }) => head);
    const frames = {
      firstFrame: Math.min(...heads.map(({ first_frame }) => first_frame)),
      lastFrame: Math.max(...heads.map(({ last_frame }) => last_frame)),
    };
    writeBlock(db, { device, streams: together(opened.map(({ block }) => block)), frames });
    for (const { id } of heads) deleteBlock(db, id);
    return true;
  }
  return false;
}

/** Neighbours in time that have room in one block. */
function groupsOf(heads: readonly BlockHead[]): BlockHead[][] {
  const groups: BlockHead[][] = [];
  let readings = Infinity;
  for (const head of heads) {
    const group = groups.at(-1);
    if (group && readings + head.readings <= COMPACT_READINGS_MAX) group.push(head);
    else groups.push([head]);
    readings = groups.at(-1) === group ? readings + head.readings : head.readings;
  }
  return groups;
}

function together(blocks: readonly Block[]): Map<number, Series> {
  const pieces = new Map<number, Cut[]>();
  for (const block of blocks) {
    for (const stream of block.streams) {
      const series = block.series(stream);
      if (series) pieces.set(stream, [...(pieces.get(stream) ?? []), whole(series)]);
    }
  }
  return new Map([...pieces].map(([stream, parts]) => [stream, merge(parts)]));
}
