/**
 * The writer's thread: the only place that writes to the record. It takes one task at a time and answers after the
 * commit, so an answer "kept" or "done" means: on the disk. Readings go to the journal; commands, packed blocks and
 * the names of streams to SQLite, one transaction for each task.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { collectWhenSettled } from "../../platform/settled.ts";
import type { ReadingColumns } from "./blocks/columns.ts";
import { packSlice } from "./blocks/pack.ts";
import { failure } from "./faults.ts";
import { joined, partsOf } from "./journal/columns.ts";
import { noteLost } from "./journal/lost.ts";
import { openJournal, type Journal } from "./journal/journal.ts";
import { buffersOf, NEW_STREAM, type Answer, type Cleaned, type JournalState } from "./messages.ts";
import type {
  AppendTask,
  CommandTask,
  OpenTask,
  PackTask,
  Task,
  WriterData,
  WriterTask,
} from "./messages.ts";
import { packedFrame, setPackedFrame } from "./progress.ts";
import type { Migrated } from "./migrate.ts";
import { openForWriting, transact } from "./sqlite.ts";
import type { CommandTable } from "./store.ts";

/** What a module of commands exports. */
interface CommandModule {
  readonly commands: CommandTable;
  /** The rest of them, loaded when one is run that is not among the first. */
  rareCommands?(): Promise<CommandTable>;
}

class Writer {
  private readonly db: DatabaseSync;
  private readonly module: CommandModule;
  private rare: CommandTable | undefined;
  private readonly journal: Journal | undefined;
  private packed: number;
  private readonly addStream: StatementSync;
  private readonly findStream: StatementSync;

  constructor(db: DatabaseSync, module: CommandModule, journal: Journal | undefined) {
    this.db = db;
    this.module = module;
    this.journal = journal;
    this.packed = packedFrame(db);
    this.addStream = db.prepare("INSERT INTO stream (name) VALUES (?) ON CONFLICT (name) DO NOTHING");
    this.findStream = db.prepare("SELECT id FROM stream WHERE name = ?");
  }

  get state(): JournalState {
    return { last: this.journal?.lastFrame ?? 0, packed: this.packed, bytes: this.journal?.bytes ?? 0 };
  }

  /** What must be loaded before this task can be performed. */
  missing(task: WriterTask): Promise<void> | undefined {
    if (task.kind !== "command" || this.rare || Object.hasOwn(this.module.commands, task.name))
      return undefined;
    return this.module.rareCommands?.().then((rare) => void (this.rare = rare));
  }

  perform(task: WriterTask): Answer {
    try {
      if (task.kind === "append") return this.append(task);
      if (task.kind === "pack") return this.pack(task);
      if (task.kind === "clean") return this.clean();
      return { kind: "done", value: this.run(task) };
    } catch (error) {
      return failure(error);
    }
  }

  /** What may be done after the answer, while nobody waits. */
  rest(): void {
    this.journal?.prepare();
  }

  close(): void {
    this.journal?.close();
    this.db.close();
  }

  private append({ columns, names }: AppendTask): Answer {
    if (!this.journal) throw new FieldwattError("RECORD_FAILED", "This process only runs commands.");
    const ids = names.length === 0 ? [] : transact(this.db, () => names.map((name) => this.idOf(name)));
    if (ids.length > 0) translate(columns, ids);
    const before = this.journal.lastFrame;
    const bytes = this.journal.append(partsOf(columns));
    return { kind: "kept", columns, ids, before, bytes, state: this.state };
  }

  private idOf(name: string): number {
    this.addStream.run(name);
    const id = Number(this.findStream.get(name)?.["id"]);
    if (id >= NEW_STREAM) throw new FieldwattError("RECORD_FAILED", "The record has too many streams.");
    return id;
  }

  private pack({ slice, last }: PackTask): Answer {
    const value = transact(this.db, () => {
      const packed = packSlice(this.db, slice);
      if (last) setPackedFrame(this.db, slice.lastFrame);
      return packed;
    });
    if (last) this.packed = slice.lastFrame;
    if (last) this.journal?.release(slice.lastFrame);
    return { kind: "done", value, state: this.state };
  }

  /** SQLite leaves what was deleted in free pages and in its log: VACUUM writes the file anew, and the log is emptied. */
  private clean(): Answer {
    this.journal?.scrub();
    this.db.exec("VACUUM");
    const log = this.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    const value: Cleaned = { logEmptied: Number(log?.["busy"]) === 0 };
    return { kind: "done", value, state: this.state };
  }

  private run({ name, input }: CommandTask): unknown {
    const tables = [this.module.commands, this.rare ?? {}];
    const command = tables.find((table) => Object.hasOwn(table, name))?.[name];
    if (!command) throw new FieldwattError("RECORD_FAILED", `The record knows no command "${name}".`);
    return transact(this.db, () => command(this.db, input as never));
  }
}

function translate({ count, streams }: ReadingColumns, ids: readonly number[]): void {
  for (let at = 0; at < count; at++) {
    const number = Number(streams[at]);
    if (number >= NEW_STREAM) streams[at] = Number(ids[number - NEW_STREAM]);
  }
}

function serve(port: MessagePort, writer: Writer): void {
  const work = (task: WriterTask): void => {
    answer(port, writer.perform(task));
    writer.rest();
  };
  // Nothing overtakes it: the next task comes after the answer to this one.
  const loadThenWork = async (loaded: Promise<void>, task: WriterTask): Promise<void> => {
    try {
      await loaded;
    } catch (error) {
      return answer(port, failure(error));
    }
    work(task);
  };
  port.on("message", (task: Task) => {
    if (task.kind === "close") {
      writer.close();
      port.postMessage({ kind: "done", value: undefined } satisfies Answer);
      port.close();
      return;
    }
    const missing = writer.missing(task);
    if (missing) void loadThenWork(missing, task);
    else work(task);
  });
}

/** A command may return something that cannot cross threads; its caller must hear that it is committed all the same. */
function answer(port: MessagePort, given: Answer): void {
  try {
    port.postMessage(given, transferOf(given));
  } catch (error) {
    const message = `The command is committed, but its result cannot be handed over: ${messageOf(error)}`;
    port.postMessage({ kind: "failed", code: "RECORD_FAILED", message } satisfies Answer);
  }
}

function transferOf(given: Answer): ArrayBuffer[] {
  if (given.kind === "kept") return buffersOf(given.columns);
  return given.kind === "ready" ? given.columns.flatMap(buffersOf) : [];
}

async function start(port: MessagePort, data: WriterData): Promise<void> {
  const { path, commands, journal: folder, after } = data;
  try {
    const module = (await import(commands)) as CommandModule;
    const steps: Migrated[] = [];
    const db = openForWriting(path, (migrated) => steps.push(migrated));
    const [migrated] = steps;
    const packed = packedFrame(db);
    const opened =
      folder === undefined ? undefined : openJournal({ folder, packed }, Math.max(packed, after));
    const damaged = opened?.damaged ?? [];
    noteLost(db, damaged);
    const writer = new Writer(db, module, opened?.journal);
    serve(port, writer);
    collectWhenSettled();
    const columns = joined(opened?.columns ?? []);
    answer(port, { kind: "ready", columns, damaged, state: writer.state, ...(migrated && { migrated }) });
  } catch (error) {
    answer(port, failure(error));
    port.close();
  }
}

/** What it is to open comes first, and may come long after the thread has begun. */
function awaitOpening(port: MessagePort): void {
  port.once("message", (data: OpenTask) => {
    // A port without a listener would not keep the thread alive while the file opens.
    port.ref();
    void start(port, data);
  });
  // Whoever is idle loads what it will most likely be told to; a fault shows when it is.
  const { commands } = (workerData ?? {}) as Partial<WriterData>;
  if (commands !== undefined) void import(commands).catch(() => undefined);
}

if (parentPort) awaitOpening(parentPort);
