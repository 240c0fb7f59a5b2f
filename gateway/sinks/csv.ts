import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  dayOf,
  FieldwattError,
  previousDay,
  type Clock,
  type Day,
  type Reading,
} from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { FEED_START, type FeedCursor } from "../record/feed.ts";
import {
  cutBack,
  dropKnown,
  isLater,
  lastPlaces,
  pack,
  sizeOf,
  syncFile,
  unpack,
  writeBehind,
  type Last,
} from "./csv-file.ts";
import { lineWriter, placeOfLine, type Placed } from "./csv-lines.ts";
import type { Target } from "./follow.ts";

/**
 * One file a device and day of the site: `house-01-meter/2026-06-15.csv`. A file grows at its end only.
 *
 * Files are synced in spans, because each sync of each file costs the card some pages. Before a span writes to a file,
 * its length goes into `state.json`; after a crash every file is cut back to that length and the feed is read again
 * from the cursor beside it. So nothing is doubled and nothing is torn, whatever was on its way to the disk.
 */
export const SPAN_MS = 5 * 60_000;
/** Files whose ends are remembered; then all are forgotten and read again when they are needed. */
const FILES_MAX = 5_000;
/** Files that one pass packs or deletes, so that a first run over years does not hold a batch up for long. */
const TIDIED_MAX = 50;

export interface CsvOptions {
  readonly folder: string;
  readonly zone: string;
  readonly clock: Pick<Clock, "now">;
  readonly gzip: boolean;
  readonly keepDays: number;
  /** In real time, ms. */
  readonly monotonic?: () => number;
}

export interface CsvTarget extends Target, AsyncDisposable {
  /** Where the feed goes on. */
  readonly cursor: FeedCursor;
}

interface State {
  readonly cursor: FeedCursor;
  /** Lengths at the span's start, by path below the folder. */
  readonly lengths: Readonly<Record<string, number>>;
}

interface OpenFile {
  size: number;
  readonly last: Map<string, Last>;
}

/** Cuts back what a crash left, and resolves. Rejects with what the file system says. */
export async function openCsvTarget(options: CsvOptions): Promise<CsvTarget> {
  await mkdir(options.folder, { recursive: true });
  const state = await readState(options.folder);
  for (const [file, size] of Object.entries(state.lengths)) await cutBack(join(options.folder, file), size);
  return new CsvFolder(options, state.cursor);
}

const stateFile = (folder: string): string => join(folder, "state.json");

async function readState(folder: string): Promise<State> {
  try {
    return JSON.parse(await readFile(stateFile(folder), "utf8")) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { cursor: FEED_START, lengths: {} };
    throw error;
  }
}

class CsvFolder implements CsvTarget {
  cursor: FeedCursor;
  private readonly options: CsvOptions;
  private readonly format: (reading: Reading) => Placed;
  private readonly monotonic: () => number;
  private readonly files = new Map<string, OpenFile>();
  /** Files of this span, and the cursor and lengths at its start. */
  private lengths: Record<string, number> = {};
  private spanCursor: FeedCursor;
  private spanSince: number;
  private tidiedFor: Day | undefined;

  constructor(options: CsvOptions, cursor: FeedCursor) {
    this.options = options;
    this.cursor = this.spanCursor = cursor;
    this.format = lineWriter(options.zone);
    this.monotonic = options.monotonic ?? (() => performance.now());
    this.spanSince = this.monotonic();
  }

  readonly write: Target["write"] = async ({ readings, cursor }) => {
    const { byFile, refused } = this.sort(readings);
    await this.open([...byFile.keys()]);
    for (const [file, lines] of byFile) await this.extend(file, lines);
    this.cursor = cursor;
    if (this.monotonic() - this.spanSince >= SPAN_MS) await this.endSpan();
    return { refused };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endSpan();
  }

  /** Lines by file. Readings of days whose files are deleted already are refused. */
  private sort(readings: readonly Reading[]): { byFile: Map<string, string[]>; refused: number } {
    const oldest = this.oldestDay();
    const byFile = new Map<string, string[]>();
    let refused = 0;
    for (const reading of readings) {
      const { day, line } = this.format(reading);
      if (day < oldest) {
        refused++;
        continue;
      }
      const device = reading.stream.slice(0, reading.stream.indexOf("/"));
      const file = join(encodeURIComponent(device), `${day}.csv`);
      const lines = byFile.get(file);
      if (lines) lines.push(line);
      else byFile.set(file, [line]);
    }
    return { byFile, refused };
  }

  private oldestDay(): string {
    const { clock, zone, keepDays } = this.options;
    const today = Date.parse(`${dayOf(clock.now(), zone)}T00:00:00Z`);
    return new Date(today - keepDays * 86_400_000).toISOString().slice(0, 10);
  }

  /** Notes the lengths of files that this span has not written to before it does. */
  private async open(files: readonly string[]): Promise<void> {
    if (this.files.size + files.length > FILES_MAX) await this.endSpan().then(() => this.files.clear());
    let isNew = false;
    for (const file of files) {
      const known = this.files.get(file) ?? (await this.look(file));
      this.files.set(file, known);
      if (Object.hasOwn(this.lengths, file)) continue;
      this.lengths[file] = known.size;
      isNew = true;
    }
    if (isNew) await this.keepState({ cursor: this.spanCursor, lengths: this.lengths });
  }

  private async look(file: string): Promise<OpenFile> {
    const path = join(this.options.folder, file);
    await unpack(path);
    return { size: await sizeOf(path), last: await lastPlaces(path) };
  }

  private async extend(file: string, lines: readonly string[]): Promise<void> {
    const known = this.files.get(file);
    if (!known) throw new Error(`${file} was not opened`);
    const path = join(this.options.folder, file);
    if ((await sizeOf(path)) < known.size) await this.startAgain(file);
    const fresh = await this.unknownLines(path, known, lines);
    if (fresh.length > 0) known.size = await writeBehind(path, known.size, fresh.join(""));
    for (const line of fresh) {
      const place = placeOfLine(line.trimEnd());
      if (place && isLater(place, known.last.get(place.stream))) known.last.set(place.stream, place);
    }
  }

  /** Somebody took files away, or another stick is in: what the record has is written again. */
  private async startAgain(file: string): Promise<never> {
    await this.endSpan();
    this.files.clear();
    this.spanCursor = this.cursor = FEED_START;
    await this.keepState({ cursor: FEED_START, lengths: {} });
    throw new FieldwattError(
      "MESSAGE_INVALID",
      `${file} is shorter than it was: the folder is written again`,
    );
  }

  /** Lines that go forward in their stream are new; others are looked up in the file. */
  private async unknownLines(path: string, { last }: OpenFile, lines: readonly string[]): Promise<string[]> {
    const ends = new Map(last);
    const doubtful = new Set<string>();
    const isNew = lines.map((line) => {
      const place = placeOfLine(line.trimEnd());
      const later = place !== undefined && isLater(place, ends.get(place.stream));
      if (later) ends.set(place.stream, place);
      else doubtful.add(line);
      return later;
    });
    if (doubtful.size === 0) return [...lines];
    await dropKnown(path, doubtful);
    const known = new Set<string>();
    return lines.filter((line, i) => {
      if (isNew[i] || (doubtful.has(line) && !known.has(line))) {
        known.add(line);
        return true;
      }
      return false;
    });
  }

  private async endSpan(): Promise<void> {
    const { folder } = this.options;
    for (const file of Object.keys(this.lengths)) {
      const path = join(folder, file);
      // What a write that failed has left behind the last good line.
      await cutBack(path, this.files.get(file)?.size ?? Infinity);
      if ((await sizeOf(path)) > 0) await syncFile(path);
    }
    await this.keepState({ cursor: this.cursor, lengths: {} });
    this.lengths = {};
    this.spanCursor = this.cursor;
    this.spanSince = this.monotonic();
    await this.tidy();
  }

  private keepState(state: State): Promise<void> {
    return writeSecretFile(stateFile(this.options.folder), JSON.stringify(state));
  }

  /** Packs days that are over for more than a day, and deletes those that are not kept: once a day, in pieces. */
  private async tidy(): Promise<void> {
    const { folder, zone, clock, gzip } = this.options;
    const today = dayOf(clock.now(), zone);
    if (this.tidiedFor === today) return;
    const [oldest, open] = [this.oldestDay(), previousDay(today)];
    let tidied = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const [, day, packed] = /^(\d{4}-\d\d-\d\d)\.csv(\.gz)?$/.exec(entry.name) ?? [];
      if (day === undefined || tidied >= TIDIED_MAX) continue;
      const path = join(entry.parentPath, entry.name);
      if (day < oldest) await rm(path, { force: true });
      else if (gzip && packed === undefined && day < open) await pack(path);
      else continue;
      this.files.delete(relative(folder, path));
      tidied++;
    }
    if (tidied < TIDIED_MAX) this.tidiedFor = today;
  }
}
