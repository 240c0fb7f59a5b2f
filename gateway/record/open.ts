import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf, type Instant } from "../../domain/model/index.ts";
import type { IdleThread } from "../../platform/idle-thread.ts";
import type { Logger } from "../../platform/log.ts";
import { deviceNameOf } from "./blocks/rows.ts";
import type { Commands } from "./commands.ts";
import { RecordFeed } from "./feed.ts";
import { HotReadings } from "./hot.ts";
import { lockFolder } from "./lock.ts";
import type { Cleaned, KeptAnswer, ReadyAnswer } from "./messages.ts";
import { removeCopies } from "./migrate.ts";
import { openReadings } from "./open-readings.ts";
import { Packing, type PackingOptions } from "./packing.ts";
import { WriteQueue, type Failure } from "./queue.ts";
import type { Readings } from "./readings.ts";
import { RestartingWriter } from "./restarting.ts";
import type { FrameRange } from "./state.ts";
import type { CommandInput, CommandOutput, CommandTable, RecordStats, RecordStore } from "./store.ts";
import { StreamNames } from "./stream-names.ts";
import { moduleBeside } from "./thread.ts";
import { faultWords } from "./words.ts";

/** How long closing waits for what is still to commit, ms. */
const CLOSE_MS = 30_000;
/** Readings in memory at which no more are taken: packing has failed for long, and a Pi has no more room. */
export const HOT_READINGS_MAX = 1_000_000;

export interface RecordOptions {
  /** The SQLite file; the journal's folder lies beside it. Its folder is made where it is missing. */
  readonly path: string;
  /** A module that exports `commands`; the gateway's own where absent. */
  readonly commands?: URL;
  /** How long readings that may wait do so, ms; 0 where absent. */
  readonly commitInterval?: number;
  /** The gateway's time: an hour that is over is packed. Without it only large amounts are. */
  readonly now?: () => Instant;
  /** Of the site, for civil days; UTC where absent. */
  readonly timeZone?: string;
  readonly log?: Logger;
  /** A thread that has loaded the writer (`idleWriter`). */
  readonly thread?: IdleThread | undefined;
}

/** The journal of the record in this file. */
export const journalFolder = (path: string): string => join(dirname(path), "journal");

/**
 * Opens the record for this process alone. Rejects with RECORD_BUSY (another gateway has it), FOLDER_UNWRITABLE,
 * RECORD_NEWER (a file is of a newer program) or RECORD_FAILED. Disposing commits what waits, then closes the files.
 */
export async function openRecord<Table extends CommandTable = Commands>(
  options: RecordOptions,
): Promise<RecordStore<Table>> {
  makeFolder(dirname(options.path));
  const lock = lockFolder(journalFolder(options.path));
  try {
    const parts = await openParts(options);
    let closing: Promise<void> | undefined;
    return {
      append: (readings, how) => parts.queue.append(readings, how),
      run: commandsOf<Table>(parts.queue),
      pack: () => parts.packing.packAll(),
      clean: () => clean(parts, options.path),
      read: parts.read,
      readings: parts.readings,
      feed: parts.feed,
      stats: () => statsOf(parts),
      [Symbol.asyncDispose]: () => (closing ??= close(parts).finally(() => lock[Symbol.dispose]())),
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Only commands and reading with SQL: for a command line beside the gateway that is running. */
export type CommandStore<Table extends CommandTable = Commands> = Pick<RecordStore<Table>, "run" | "read"> &
  AsyncDisposable;

/** As `openRecord`, without the readings and beside whoever has them. Rejects as it does, except RECORD_BUSY. */
export async function openCommands<Table extends CommandTable = Commands>(
  options: Pick<RecordOptions, "path" | "commands" | "log">,
): Promise<CommandStore<Table>> {
  makeFolder(dirname(options.path));
  const writer = new RestartingWriter({ ...placesOf(options), onReady: () => undefined });
  await writer.start();
  const refusal = () => new FieldwattError("RECORD_FAILED", "This process only runs commands.");
  const queue = new WriteQueue({ perform: writer.perform, commitInterval: 0, onKept: () => 0, refusal });
  const read = openForReading(options.path);
  let closing: Promise<void> | undefined;
  return {
    run: commandsOf<Table>(queue),
    read,
    [Symbol.asyncDispose]: () => (closing ??= closeFiles({ queue, read, writer })),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `The folder ${folder} cannot be made: ${messageOf(error)}`);
  }
}

const placesOf = ({ path, commands, log }: RecordOptions) => ({
  path,
  commands: (commands ?? moduleBeside("commands")).href,
  ...(log && { log }),
});

const openForReading = (path: string): DatabaseSync =>
  new DatabaseSync(path, { readOnly: true, timeout: 1_000 });

const commandsOf =
  <Table extends CommandTable>(queue: WriteQueue): RecordStore<Table>["run"] =>
  <Name extends keyof Table & string>(name: Name, input: CommandInput<Table, Name>) =>
    queue.run({ kind: "command", name, input }) as Promise<CommandOutput<Table, Name>>;

/** The parts of an open record. */
interface Parts {
  readonly writer: RestartingWriter;
  readonly queue: WriteQueue;
  readonly hot: HotReadings;
  readonly packing: Packing;
  readonly read: DatabaseSync;
  readonly readings: Readings;
  readonly feed: RecordFeed;
  readonly damaged: FrameRange[];
  lastCommit: Instant | undefined;
}

async function openParts(options: RecordOptions): Promise<Parts> {
  const { path, log, now } = options;
  const folder = journalFolder(path);
  let take: (ready: ReadyAnswer) => void = () => undefined;
  const places = { ...placesOf(options), journal: folder, thread: options.thread };
  const writer = new RestartingWriter({ ...places, onReady: (ready) => take(ready) });
  const { ready } = await writer.start();
  const read = openForReading(path);
  const names = new StreamNames(read);
  const hot = new HotReadings((stream) => deviceNameOf(names.name(stream)));
  const journal = () => writer.journal;
  const logged = log ? { log } : {};
  const feed = new RecordFeed({ folder, read, names, journal, ...logged });
  const damaged: FrameRange[] = [];
  take = (found) => {
    for (const columns of found.columns) hot.add(columns);
    damaged.push(...found.damaged);
    feed.forget();
  };
  take(ready);
  const queue = new WriteQueue({
    perform: writer.perform,
    commitInterval: options.commitInterval ?? 0,
    onKept: (kept) => onKept(parts, kept, now),
    refusal: () => refusal(hot),
    onFault: (failure) => tellFault(failure, log),
  });
  tellLost(ready, log);
  // A new record is no news; a file that changed its form is, with the copy of what it was.
  if (ready.migrated && ready.migrated.from > 0)
    log?.info({ ...ready.migrated }, "the record has a new form; a copy of the old one is kept");
  const run: PackingOptions["run"] = (task, transfer) => queue.run(task, transfer);
  const packing = new Packing({ hot, run, journal, ...(now && { now }), ...logged });
  const zone = options.timeZone === undefined ? {} : { timeZone: options.timeZone };
  const readings = openReadings({ read, hot, ...zone, ...logged });
  const parts: Parts = { writer, queue, hot, packing, read, readings, feed, damaged, lastCommit: undefined };
  packing.afterCommit(0);
  return parts;
}

/** A commit is in the hot readings and in the feed before its callers hear of it. */
function onKept(parts: Parts, kept: KeptAnswer, now: (() => Instant) | undefined): number {
  const added = parts.hot.add(kept.columns);
  parts.feed.kept(kept.before, kept.state.last, kept.columns);
  parts.lastCommit = now?.();
  // When this turn is over: the callers hear first.
  setImmediate(() => parts.packing.afterCommit(kept.bytes));
  return added;
}

/** In the words of the operator's page. */
function tellFault(failure: Failure | undefined, log: Logger | undefined): void {
  if (failure) log?.error({ because: failure.failing }, faultWords(failure.fault));
  else log?.info("the record commits again");
}

function tellLost({ damaged }: ReadyAnswer, log: Logger | undefined): void {
  if (damaged.length > 0)
    log?.error({ frames: damaged }, "the journal has lost commits: fieldwatt record verify tells which");
}

function refusal(hot: HotReadings): FieldwattError | undefined {
  if (hot.count < HOT_READINGS_MAX) return undefined;
  const message = `The record could not commit: ${HOT_READINGS_MAX} readings wait to be packed, and that fails.`;
  return new FieldwattError("RECORD_FAILED", message);
}

function statsOf({ queue, hot, writer, lastCommit, damaged }: Parts): RecordStats {
  const { last, packed, bytes } = writer.journal;
  return {
    ...queue.stats(),
    journalBytes: bytes,
    readingsHot: hot.count,
    frames: { last, packed },
    ...(lastCommit !== undefined && { lastCommit }),
    damagedFrames: damaged,
  };
}

async function clean({ packing, queue, feed }: Parts, path: string): Promise<Cleaned> {
  await packing.packAll();
  removeCopies(path);
  feed.forget();
  return (await queue.run({ kind: "clean" })) as Cleaned;
}

async function close(parts: Parts): Promise<void> {
  await parts.packing.close();
  await closeFiles(parts);
}

async function closeFiles({ queue, read, writer }: Pick<Parts, "queue" | "read" | "writer">): Promise<void> {
  const giveUp = new AbortController();
  await Promise.race([queue.close(), wait(CLOSE_MS, undefined, { signal: giveUp.signal, ref: false })]);
  giveUp.abort();
  // The reader first: the last connection to close moves the log into the file.
  read.close();
  await writer.close();
}
