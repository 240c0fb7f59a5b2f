import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { ColumnsBuilder, sequenceAt, type ReadingColumns } from "./blocks/columns.ts";
import { faultOf } from "./faults.ts";
import { HotReadings } from "./hot.ts";
import { framesAfter } from "./journal/replay.ts";
import { refuseNewer, version } from "./migrate.ts";
import { migrations } from "./migrations.ts";
import { openReadings } from "./open-readings.ts";
import { packedFrame } from "./progress.ts";
import { openReadOnly } from "./read-only.ts";
import type { Readings } from "./readings.ts";

/** The record as it was at one moment, read by another process while the gateway goes on. */
export interface RecordReader extends Disposable {
  readonly readings: Readings;
  /** The same moment, for everything that is not readings. While it is open the gateway's log of changes grows. */
  readonly read: DatabaseSync;
}

export interface ReaderOptions {
  /** Of the site, for civil days. */
  readonly timeZone?: string;
  readonly log?: Logger;
}

export const RECORD_FILE = "record.sqlite";
export const JOURNAL_FOLDER = "journal";
/** Packing lasts a second and comes once an hour: two in a row are a busy gateway, ten are something else. */
const TRIES_MAX = 10;

/**
 * Opens the record in a data folder, read-only. Everything that was acknowledged before the call is there. Throws
 * RECORD_NEWER, or RECORD_FAILED where there is no record or it must first be brought forward by a gateway.
 */
export function openRecordReader(folder: string, options: ReaderOptions = {}): RecordReader {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const reader = tryToOpen(folder, options);
    if (reader) return reader;
  }
  throw new FieldwattError(
    "RECORD_FAILED",
    `The record in ${folder} is being packed all the time; try again.`,
  );
}

/** Undefined when the gateway packed meanwhile: it may have written over the frames that are needed. */
function tryToOpen(folder: string, options: ReaderOptions): RecordReader | undefined {
  const read = openSnapshot(folder);
  try {
    const packed = packedFrame(read);
    const hot = new HotReadings();
    const known = new Set(
      read
        .prepare("SELECT id FROM stream")
        .all()
        .map((row) => Number(row["id"])),
    );
    for (const { columns } of framesAfter(join(folder, JOURNAL_FOLDER), packed))
      hot.add(ofKnown(columns, known));
    if (packedNow(folder) !== packed) {
      read.close();
      return undefined;
    }
    return { readings: openReadings({ read, hot, ...options }), read, [Symbol.dispose]: () => read.close() };
  } catch (error) {
    read.close();
    throw unreadable(folder, error);
  }
}

/** Everything that is read from this connection is of one moment, which begins with the first SELECT. */
function openSnapshot(folder: string): DatabaseSync {
  const db = openFile(folder);
  try {
    db.exec("BEGIN");
    const found = version(db);
    refuseNewer(found);
    if (found === migrations.length) return db;
    const message = `The record in ${folder} is of version ${found}; start the gateway once to bring it to ${migrations.length}.`;
    throw new FieldwattError("RECORD_FAILED", message);
  } catch (error) {
    db.close();
    throw unreadable(folder, error);
  }
}

function openFile(folder: string): DatabaseSync {
  const path = join(folder, RECORD_FILE);
  if (!existsSync(path)) throw new FieldwattError("RECORD_FAILED", `There is no record in ${folder}.`);
  try {
    return openReadOnly(path);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** What reading the record in a folder threw, and what to do. */
export function unreadable(folder: string, error: unknown): unknown {
  if (error instanceof FieldwattError) return error;
  const todo = faultOf(error) === "damaged" ? ". Stop the gateway, then run: fieldwatt record repair" : "";
  const message = `The record in ${folder} cannot be read: ${messageOf(error)}${todo}`;
  return new FieldwattError("RECORD_FAILED", message, { cause: error });
}

function packedNow(folder: string): number {
  const db = openFile(folder);
  try {
    return packedFrame(db);
  } finally {
    db.close();
  }
}

/** A stream that came after the moment has no name yet: its readings are of later, too. */
function ofKnown(columns: ReadingColumns, known: ReadonlySet<number>): ReadingColumns {
  if (columns.streams.subarray(0, columns.count).every((stream) => known.has(stream))) return columns;
  const kept = new ColumnsBuilder(columns.count);
  for (let at = 0; at < columns.count; at++) {
    const stream = Number(columns.streams[at]);
    if (!known.has(stream)) continue;
    const [time, value, quality] = [
      Number(columns.times[at]),
      Number(columns.values[at]),
      Number(columns.qualities[at]),
    ];
    kept.add({ stream, time, value, quality, sequence: sequenceAt(columns, at) });
  }
  return kept.built();
}
