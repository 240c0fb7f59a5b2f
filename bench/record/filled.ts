import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ColumnsBuilder } from "../../gateway/record/blocks/columns.ts";
import { packSlice } from "../../gateway/record/blocks/pack.ts";
import { openForWriting, transact } from "../../gateway/record/sqlite.ts";
import { reading, SERIES } from "./samples.ts";

/** An hour of all series, read each ten seconds: as many readings as one transaction packs. */
const SLICE_READINGS = 360 * SERIES;

/** A record of so many readings that were packed long ago, without the way through the journal. */
export function fillRecord(path: string, readings: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const db = openForWriting(path);
  const insert = db.prepare("INSERT INTO stream (name) VALUES (?)");
  const ids = new Map<string, number>();
  for (let n = 0; n < SERIES; n++) {
    const { stream } = reading(n);
    ids.set(stream, Number(insert.run(stream).lastInsertRowid));
  }
  for (let from = 0; from < readings; from += SLICE_READINGS) {
    const columns = new ColumnsBuilder(SLICE_READINGS);
    for (let n = from; n < Math.min(readings, from + SLICE_READINGS); n++) {
      const { stream, time, value } = reading(n);
      columns.add({ stream: ids.get(stream) ?? 0, time, value, quality: 0, sequence: 0 });
    }
    transact(db, () => packSlice(db, { columns: columns.built(), firstFrame: 0, lastFrame: 0 }));
  }
  db.close();
}
