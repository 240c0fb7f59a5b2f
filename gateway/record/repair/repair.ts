import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../../domain/model/index.ts";
import { packSlice } from "../blocks/pack.ts";
import { deleteBlock, prepare, rowOf, touch, utcDay, type BlockHead } from "../blocks/rows.ts";
import { noteLost } from "../journal/lost.ts";
import { framesAfter, holesIn, seenIn, whenLost, type Replayed, type SeenFrame } from "../journal/replay.ts";
import { packedFrame, setPackedFrame } from "../progress.ts";
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

/** Frames of the journal packed in one transaction. */
const FRAMES_A_STEP = 200;

/**
 * Packs all that can be read of the journal, so that what cannot is behind the record. The record must not be in use;
 * the next gateway begins its journal anew and writes over what is there.
 */
export function packJournal(db: DatabaseSync, folder: string): void {
  const after = packedFrame(db);
  const seen: SeenFrame[] = [];
  let frames: Replayed[] = [];
  const pack = (): void =>
    transact(db, () => {
      for (const { number, columns } of frames)
        packSlice(db, { columns, firstFrame: number, lastFrame: number });
      setPackedFrame(db, frames.at(-1)?.number ?? 0);
    });
  for (const frame of framesAfter(folder, after)) {
    frames.push(frame);
    seen.push(seenIn(frame));
    if (frames.length < FRAMES_A_STEP) continue;
    pack();
    frames = [];
  }
  if (frames.length > 0) pack();
  const numbers = seen.map(({ number }) => number);
  transact(db, () =>
    noteLost(
      db,
      holesIn(folder, after, numbers).map((hole) => whenLost(hole, seen)),
    ),
  );
}

/** Its bytes, where the file still gives them. */
function bytesOf(db: DatabaseSync, id: number): Uint8Array | null {
  try {
    return rowOf(db, id)?.data ?? null;
  } catch {
    return null;
  }
}
