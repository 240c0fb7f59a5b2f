/**
 * The writer's thread: the only place that writes to the record. It takes one task at a time, runs it in one
 * transaction and answers after the commit, so an answer "done" means: on the disk.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { CommandTable } from "./store.ts";
import { openForWriting, transact } from "./sqlite.ts";
import type { Answer, AppendTask, CommandTask, Task } from "./messages.ts";

const SQLITE_CONSTRAINT = 19;

class Writer {
  private readonly names: string[] = [];
  /** Row ids by number of this session. */
  private readonly ids = new Map<number, number>();
  private readonly insert: StatementSync;
  private readonly addStream: StatementSync;
  private readonly findStream: StatementSync;
  private readonly db: DatabaseSync;
  private readonly commands: CommandTable;

  constructor(db: DatabaseSync, commands: CommandTable) {
    this.db = db;
    this.commands = commands;
    // Only a repeated (time, stream) is ignored; OR IGNORE would also swallow a NULL value.
    this.insert = db.prepare(
      "INSERT INTO reading (time, stream, value, quality) VALUES (?, ?, ?, ?) ON CONFLICT (time, stream) DO NOTHING",
    );
    this.addStream = db.prepare("INSERT INTO stream (name) VALUES (?) ON CONFLICT (name) DO NOTHING");
    this.findStream = db.prepare("SELECT id FROM stream WHERE name = ?");
  }

  perform(task: Exclude<Task, { kind: "close" }>): Answer {
    try {
      return { kind: "done", value: task.kind === "append" ? this.append(task) : this.run(task) };
    } catch (error) {
      return failure(error);
    }
  }

  close(): void {
    this.db.close();
  }

  private append(task: AppendTask): number {
    this.names.push(...task.names);
    const before = this.ids.size;
    try {
      return transact(this.db, () => this.insertAll(task));
    } catch (error) {
      // Names that this transaction would have added are not in the file; a Map keeps the order of arrival.
      for (const stream of [...this.ids.keys()].slice(before)) this.ids.delete(stream);
      throw error;
    }
  }

  private insertAll({ count, times, values, streams, qualities }: AppendTask): number {
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const stream = this.ids.get(Number(streams[at])) ?? this.learn(Number(streams[at]));
      const { changes } = this.insert.run(
        Number(times[at]),
        stream,
        Number(values[at]),
        Number(qualities[at]),
      );
      kept += Number(changes);
    }
    return kept;
  }

  private learn(stream: number): number {
    const name = this.names[stream];
    if (name === undefined) throw new FieldwattError("RECORD_FAILED", `stream ${stream} has no name`);
    this.addStream.run(name);
    const id = Number(this.findStream.get(name)?.["id"]);
    this.ids.set(stream, id);
    return id;
  }

  private run({ name, input }: CommandTask): unknown {
    const command = Object.hasOwn(this.commands, name) ? this.commands[name] : undefined;
    if (!command) throw new FieldwattError("RECORD_FAILED", `The record knows no command "${name}".`);
    return transact(this.db, () => command(this.db, input as never));
  }
}

function failure(error: unknown): Answer {
  if (error instanceof FieldwattError) {
    return { kind: "failed", code: error.code, message: error.message, storage: false };
  }
  const message = `The record could not commit: ${messageOf(error)}`;
  return { kind: "failed", code: "RECORD_FAILED", message, storage: isStorageFault(error) };
}

/** SQLite's own faults, except a constraint, which is the input's: the low byte of the extended result code says which. */
function isStorageFault(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  return (Number(error.errcode) & 0xff) !== SQLITE_CONSTRAINT;
}

function serve(port: MessagePort, writer: Writer): void {
  port.on("message", (task: Task) => {
    if (task.kind === "close") {
      writer.close();
      port.postMessage({ kind: "done", value: undefined } satisfies Answer);
      port.close();
      return;
    }
    answer(port, writer.perform(task));
  });
  answer(port, { kind: "ready" });
}

/** A command may return something that cannot cross threads; its caller must hear that it is committed all the same. */
function answer(port: MessagePort, given: Answer): void {
  try {
    port.postMessage(given);
  } catch (error) {
    const message = `The command is committed, but its result cannot be handed over: ${messageOf(error)}`;
    port.postMessage({ kind: "failed", code: "RECORD_FAILED", message, storage: false } satisfies Answer);
  }
}

async function start(port: MessagePort): Promise<void> {
  const { path, commands } = workerData as { path: string; commands: string };
  try {
    const module = (await import(commands)) as { commands: CommandTable };
    serve(port, new Writer(openForWriting(path), module.commands));
  } catch (error) {
    answer(port, failure(error));
    port.close();
  }
}

if (parentPort) await start(parentPort);
