import { Worker } from "node:worker_threads";
import { FieldwattError } from "../../domain/model/errors.ts";
import { idleThread, type IdleThread } from "../../platform/idle-thread.ts";
import type { Answer, OpenTask, ReadyAnswer, Task, WriterData } from "./messages.ts";
import { faultWords } from "./words.ts";

/** The writer's thread as the main thread sees it. */
export interface WriterThread {
  /** What it found when it opened the record. */
  readonly ready: ReadyAnswer;
  /** One task at a time. Rejects when the thread ends before it answers; whether the task is committed is unknown. */
  perform(task: Task, transfer?: ArrayBuffer[]): Promise<Answer>;
  /** Ends the thread at once, whatever it is doing. */
  stop(): Promise<void>;
}

/** A module of this folder, with the extension of this file: `.ts` where Node runs the sources, `.js` in a build. */
export function moduleBeside(name: string): URL {
  const extension = new URL(import.meta.url).pathname.split(".").at(-1);
  return new URL(`./${name}.${extension}`, import.meta.url);
}

/** What the thread may need, MB. It makes few objects, readings cross as columns; a command may be large. */
const resourceLimits = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 384 };

const begin = (likely: Partial<WriterData> = {}): Worker =>
  new Worker(moduleBeside("writer"), { name: "record", workerData: likely, resourceLimits });

/** A writer's thread that loads while it is not yet known which file it opens; with the gateway's own commands. */
export const idleWriter = (): IdleThread =>
  idleThread(() => begin({ commands: moduleBeside("commands").href }));

/**
 * Starts a thread, or takes one that is idle; resolves when the record is open and its schema is current. Rejects with RECORD_NEWER or
 * RECORD_FAILED.
 */
export async function startWriter(data: WriterData, idle?: IdleThread): Promise<WriterThread> {
  const worker = idle?.take() ?? begin();
  const thread = listen(worker);
  worker.postMessage({ kind: "open", ...data } satisfies OpenTask);
  const ready = await thread.next();
  if (ready.kind === "failed") {
    const todo = ready.fault === undefined ? "" : `. ${faultWords(ready.fault)}`;
    throw new FieldwattError(ready.code, `${ready.message}${todo}`);
  }
  if (ready.kind !== "ready") throw new FieldwattError("RECORD_FAILED", "The record's writer began oddly.");
  return {
    ready,
    perform(task, transfer = []) {
      const next = thread.next();
      worker.postMessage(task, transfer);
      return next;
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** The worker's answers, one `next()` for each; every way to end rejects the one that waits. */
function listen(worker: Worker): { next(): Promise<Answer> } {
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let ended: Error | undefined;
  const end = (error: Error): void => {
    ended ??= error;
    waiting?.reject(ended);
    waiting = undefined;
  };
  worker.on("message", (answer: Answer | { kind?: undefined }) => {
    // `node --watch` sends the names of loaded files along the same way.
    if (answer.kind === undefined) return;
    waiting?.resolve(answer);
    waiting = undefined;
  });
  worker.on("error", (error) =>
    end(new FieldwattError("RECORD_FAILED", "The record's writer crashed.", { cause: error })),
  );
  worker.on("exit", () =>
    end(new FieldwattError("RECORD_FAILED", "The record's writer ended before it answered.")),
  );
  return {
    next() {
      if (ended) return Promise.reject(ended);
      waiting = Promise.withResolvers<Answer>();
      return waiting.promise;
    },
  };
}
