import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Reading } from "../../domain/model/index.ts";
import { ColumnsBuilder } from "../../gateway/record/blocks/columns.ts";
import { encodeColumns } from "../../gateway/record/journal/codec.ts";
import { openRecord } from "../../gateway/record/open.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { besidePeer, round, type BenchContext, type Figure } from "../bench.ts";
import { openLoopDisk, type LoopDisk } from "../support/loop-disk.ts";
import { appendBatches, batch, figure, newFolder, SERIES } from "./samples.ts";

/** What a reading costs the SD card. The peers are SQLite as one would use it oneself, WAL and FULL. */
export async function deviceBytes(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [size, commits] of [
    [100, 6_000],
    [1_000, 600],
  ] as const) {
    using disk = openLoopDisk(newFolder(context, `bytes-${size}`), { megabytes: 700, note: context.note });
    if (!disk || context.signal.aborted) return figures;
    const ours = await ourBytes(disk, { size, commits });
    const rows = sqliteBytes(disk, { size, commits: commits / 10, packed: false });
    const blobs = sqliteBytes(disk, { size, commits: commits / 10, packed: true });
    const name = `written a reading, ${size} a commit`;
    figures.push(
      besidePeer(figure(`${name}, until acknowledged`, ours.journal, "bytes"), {
        name: "SQLite, a packed blob a commit",
        value: round(blobs),
      }),
      besidePeer(figure(`${name}, with packing`, ours.whole, "bytes"), {
        name: "SQLite, a row a reading",
        value: round(rows),
      }),
      figure(`${name}: made once, files of the journal`, ours.made / 1e6, "MB"),
    );
  }
  return figures;
}

interface Work {
  readonly size: number;
  readonly commits: number;
}

/**
 * `journal`: until half of what starts packing has come. `whole`: all of it, blocks included. What was written once to
 * make the journal's files is a figure of its own: they are used over and over.
 */
async function ourBytes(
  disk: LoopDisk,
  { size, commits }: Work,
): Promise<{ journal: number; whole: number; made: number }> {
  await using record = await openRecord({ path: join(disk.folder, "record", "record.sqlite") });
  await record.append(batch(0, size));
  const start = disk.bytesWritten() - record.stats().journalBytes;
  const half = Math.min(commits, 125_000 / size);
  await appendBatches(record, { from: 1, to: half, size });
  const journal = disk.bytesWritten() - record.stats().journalBytes - start;
  await appendBatches(record, { from: half, to: commits, size });
  await packed(record);
  const whole = disk.bytesWritten() - record.stats().journalBytes - start;
  // What is not packed yet at the end was written to the journal alone.
  const counted = commits * size - record.stats().readingsHot;
  const hot = (record.stats().readingsHot * journal) / ((half - 1) * size);
  return {
    journal: journal / ((half - 1) * size),
    whole: (whole - hot) / counted,
    made: record.stats().journalBytes,
  };
}

/** Waits until no packing runs: then less is hot than starts one. */
async function packed(record: RecordStore): Promise<void> {
  for (let hot = -1; hot !== record.stats().readingsHot;) {
    hot = record.stats().readingsHot;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

function sqliteBytes(disk: LoopDisk, { size, commits, packed }: Work & { readonly packed: boolean }): number {
  using db = new DatabaseSync(join(disk.folder, packed ? "blobs.sqlite" : "rows.sqlite"));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE reading (time INTEGER, series INTEGER, value REAL);
    CREATE TABLE packed (id INTEGER PRIMARY KEY, data BLOB)`);
  const row = db.prepare("INSERT INTO reading VALUES (?, ?, ?)");
  const blob = db.prepare("INSERT INTO packed (data) VALUES (?)");
  const start = disk.bytesWritten();
  for (let commit = 0; commit < commits; commit++) {
    const readings = batch(commit * size, size);
    db.exec("BEGIN IMMEDIATE");
    if (packed) blob.run(blobOf(readings));
    else readings.forEach(({ time, value }, i) => row.run(time, i % SERIES, value));
    db.exec("COMMIT");
  }
  return (disk.bytesWritten() - start) / (commits * size);
}

function blobOf(readings: readonly Reading[]): Uint8Array {
  const columns = new ColumnsBuilder(readings.length);
  readings.forEach(({ time, value }, i) =>
    columns.add({ stream: i % SERIES, time, value, quality: 0, sequence: 0 }),
  );
  return encodeColumns(columns.built());
}
