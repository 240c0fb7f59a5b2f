import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { deviceId, instant, streamId, type Reading } from "../domain/model/index.ts";
import { ColumnsBuilder } from "../gateway/record/blocks/columns.ts";
import { encodeColumns } from "../gateway/record/journal/codec.ts";
import { openRecord } from "../gateway/record/open.ts";
import type { RecordStore } from "../gateway/record/store.ts";
import { besidePeer, round, type Bench, type BenchContext, type Figure } from "./bench.ts";
import { openLoopDisk, type LoopDisk } from "./support/loop-disk.ts";

/**
 * The record alone: what a reading costs the SD card, how many are acknowledged a second, and how long a start takes.
 * The peers are SQLite as one would use it oneself: a row a reading, and a packed blob a commit, WAL and FULL.
 */
const SERIES = 100;
const CALLERS = 50;
const MEASURE_MS = 8_000;
const RECOVERED = 240_000;
const LONG_READINGS = 10_000_000;
const START = Date.UTC(2026, 5, 15);

export const bench: Bench = {
  name: "record",
  about: `device bytes a reading (${SERIES} series), acknowledged readings/s from ${CALLERS} callers, and starts`,
  async run(context) {
    const figures = await deviceBytes(context);
    figures.push(...(await throughput(context)), ...(await recovery(context)));
    if (context.long) figures.push(await bigStart(context));
    else context.note(`the start with ${LONG_READINGS} readings on disk needs --long`);
    return figures;
  },
};

const figure = (name: string, value: number, unit: string): Figure => ({
  bench: "record",
  figure: name,
  value: round(value),
  unit,
});

const streams = Array.from({ length: SERIES }, (_, i) => streamId(deviceId(`meter-${i}`), "activePower"));

/** The n-th reading: one series after another every ten seconds, a power that wanders in steps of 0.1 W. */
function reading(n: number): Reading {
  const series = n % SERIES;
  const round = Math.floor(n / SERIES);
  const wander = Math.sin(round / 40 + series) * 1_500 + ((n * 7919) % 97) / 10;
  const value = Math.round((2_000 + wander) * 10) / 10;
  return {
    stream: streams[series] ?? "none/none",
    time: instant(START + round * 10_000),
    value,
    quality: "ok",
  } as Reading;
}

const batch = (from: number, count: number): Reading[] =>
  Array.from({ length: count }, (_, i) => reading(from + i));

async function deviceBytes(context: BenchContext): Promise<Figure[]> {
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

async function appendBatches(
  record: RecordStore,
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
): Promise<void> {
  for (let n = from; n < to; n++) await record.append(batch(n * size, size));
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

/** Each caller has one reading under way, as a publisher with QoS 1 does; packing goes on meanwhile. */
async function throughput({ folder, signal }: BenchContext): Promise<Figure[]> {
  await using record = await openRecord({ path: join(folder, "throughput", "record.sqlite") });
  const latencies: number[] = [];
  const end = performance.now() + MEASURE_MS;
  let n = 0;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (performance.now() < end && !signal.aborted) {
      const asked = performance.now();
      await record.append([reading(n++)]);
      latencies.push(performance.now() - asked);
    }
  });
  await Promise.all(callers);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const { commits, frames } = record.stats();
  return [
    figure(`acknowledged, ${CALLERS} callers with one reading each`, (n * 1_000) / MEASURE_MS, "1/s"),
    figure("time to the acknowledgement, median", at(0.5), "ms"),
    figure("time to the acknowledgement, 99 of 100", at(0.99), "ms"),
    figure("time to the acknowledgement, longest", at(1 - 1 / latencies.length), "ms"),
    figure("readings in a commit", n / commits, "readings"),
    figure("frames packed meanwhile", frames.packed, "frames"),
  ];
}

/** A copy of the files of a record that is open is what kill -9 leaves. */
async function recovery(context: BenchContext): Promise<Figure[]> {
  const from = newFolder(context, "killed");
  const copy = newFolder(context, "recovered");
  {
    await using record = await openRecord({ path: join(from, "record.sqlite") });
    for (let n = 0; n < RECOVERED; n += 100) await record.append(batch(n, 100));
    cpSync(from, copy, { recursive: true });
  }
  return [
    figure(`start after kill -9, ${RECOVERED} readings not packed`, await startMs(copy, RECOVERED), "ms"),
  ];
}

/** From opening to the first acknowledged reading. */
async function startMs(folder: string, readings: number): Promise<number> {
  const asked = performance.now();
  await using record = await openRecord({ path: join(folder, "record.sqlite") });
  await record.append([{ ...reading(0), time: instant(START - 1) }]);
  const ms = performance.now() - asked;
  if (record.readings.count() !== readings + 1)
    throw new Error(`${record.readings.count()} readings are there instead of ${readings + 1}`);
  return ms;
}

async function bigStart(context: BenchContext): Promise<Figure> {
  const folder = newFolder(context, "big");
  {
    await using record = await openRecord({ path: join(folder, "record.sqlite") });
    await appendBatches(record, { from: 0, to: LONG_READINGS / 5_000, size: 5_000 });
  }
  return figure(`start with ${LONG_READINGS} readings`, await startMs(folder, LONG_READINGS), "ms");
}

function newFolder({ folder }: BenchContext, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}
