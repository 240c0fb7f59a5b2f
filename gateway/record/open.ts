import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Commands } from "./commands.ts";
import type { Answer } from "./messages.ts";
import { WriteQueue, type Perform } from "./queue.ts";
import type { CommandInput, CommandOutput, CommandTable, RecordStore } from "./store.ts";
import { moduleBeside, startWriter, type WriterThread } from "./thread.ts";

/** Crashes of the writer, one after another without a commit between them, before the record gives up. */
const CRASHES_MAX = 5;
/** How long closing waits for what is still to commit, ms. */
const CLOSE_MS = 30_000;

export interface RecordOptions {
  /** The SQLite file; its folder is made where it is missing. */
  readonly path: string;
  /** A module that exports `commands`; the gateway's own where absent. */
  readonly commands?: URL;
  readonly log?: Logger;
}

/**
 * Opens the record. Rejects with FOLDER_UNWRITABLE, RECORD_NEWER (the file is of a newer program) or RECORD_FAILED.
 * Disposing commits what waits, then closes the file.
 */
export async function openRecord<Table extends CommandTable = Commands>(
  options: RecordOptions,
): Promise<RecordStore<Table>> {
  makeFolder(dirname(options.path));
  const writer = new RestartingWriter(options);
  await writer.start();
  const queue = new WriteQueue((task, transfer) => writer.perform(task, transfer));
  writer.onRestart = () => queue.forgetNamesSent();
  const read = new DatabaseSync(options.path, { readOnly: true, timeout: 1_000 });
  let closing: Promise<void> | undefined;
  return {
    append: (readings) => queue.append(readings),
    run: <Name extends keyof Table & string>(name: Name, input: CommandInput<Table, Name>) =>
      queue.run(name, input) as Promise<CommandOutput<Table, Name>>,
    read,
    stats: () => queue.stats(),
    [Symbol.asyncDispose]: () => (closing ??= close(queue, read, writer)),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `The folder ${folder} cannot be made: ${messageOf(error)}`);
  }
}

async function close(queue: WriteQueue, read: DatabaseSync, writer: RestartingWriter): Promise<void> {
  const giveUp = new AbortController();
  await Promise.race([queue.close(), wait(CLOSE_MS, undefined, { signal: giveUp.signal, ref: false })]);
  giveUp.abort();
  // The reader first: the last connection to close moves the log into the file.
  read.close();
  await writer.close();
}

/** The writer's thread, started anew after a crash; what the crashed one had in hand is rejected, never repeated. */
class RestartingWriter {
  onRestart: () => void = () => undefined;
  private readonly options: RecordOptions;
  private thread: WriterThread | undefined;
  private crashes = 0;

  constructor(options: RecordOptions) {
    this.options = options;
  }

  async start(): Promise<WriterThread> {
    const commands = this.options.commands ?? moduleBeside("commands");
    return (this.thread ??= await startWriter(this.options.path, commands));
  }

  readonly perform: Perform = async (task, transfer) => {
    if (this.crashes >= CRASHES_MAX)
      throw new FieldwattError("RECORD_FAILED", "The record's writer keeps crashing.");
    try {
      const answer = await (await this.start()).perform(task, transfer);
      this.crashes = 0;
      return answer;
    } catch (error) {
      this.crashes++;
      this.thread = undefined;
      this.onRestart();
      this.options.log?.error({ err: error, crashes: this.crashes }, "the record's writer crashed");
      throw error;
    }
  };

  async close(): Promise<void> {
    const closed: Promise<Answer | undefined> | undefined = this.thread?.perform({ kind: "close" });
    await closed?.catch(() => undefined);
    await this.thread?.stop();
  }
}
