import { FieldwattError } from "../../domain/model/index.ts";
import type { IdleThread } from "../../platform/idle-thread.ts";
import type { Logger } from "../../platform/log.ts";
import type { Answer, JournalState, ReadyAnswer, WriterData } from "./messages.ts";
import type { Perform } from "./queue.ts";
import { startWriter, type WriterThread } from "./thread.ts";

/** Crashes of the writer, one after another without a commit between them, before the record gives up. */
const CRASHES_MAX = 5;

export interface RestartingOptions extends Omit<WriterData, "after"> {
  readonly log?: Logger;
  /** Taken for the first start where it is given. */
  readonly thread?: IdleThread | undefined;
  /** Takes what a writer found: at the first start all that is hot, after a crash what nobody acknowledged. */
  onReady(ready: ReadyAnswer): void;
}

/** The writer's thread, started anew after a crash; what the crashed one had in hand is rejected, never repeated. */
export class RestartingWriter {
  /** As of the last answer. */
  journal: JournalState = { last: 0, packed: 0, bytes: 0 };
  private readonly options: RestartingOptions;
  private thread: WriterThread | undefined;
  private crashes = 0;

  constructor(options: RestartingOptions) {
    this.options = options;
  }

  async start(): Promise<WriterThread> {
    if (this.thread) return this.thread;
    const { path, commands, journal, onReady } = this.options;
    const folder = journal === undefined ? {} : { journal };
    const data = { path, commands, ...folder, after: this.journal.last };
    const thread = await startWriter(data, this.options.thread);
    this.thread = thread;
    this.journal = thread.ready.state;
    onReady(thread.ready);
    return thread;
  }

  readonly perform: Perform = async (task, transfer) => {
    if (this.crashes >= CRASHES_MAX)
      throw new FieldwattError("RECORD_FAILED", "The record's writer keeps crashing.");
    try {
      const answer = await (await this.start()).perform(task, transfer);
      this.crashes = 0;
      if ("state" in answer && answer.state) this.journal = answer.state;
      return answer;
    } catch (error) {
      this.crashes++;
      this.thread = undefined;
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
