import { FieldwattError, messageOf, type Reading } from "../../domain/model/index.ts";
import { Batch, READINGS_PER_COMMIT_MAX, STREAMS_MAX, type AppendCall, type StreamIds } from "./batch.ts";
import {
  buffersOf,
  QUALITIES,
  type Answer,
  type KeptAnswer,
  type Task,
  type WriterTask,
} from "./messages.ts";
import type { Fault } from "./state.ts";
import type { AppendOptions } from "./store.ts";

/**
 * What waits for the writer. While one commit runs, the readings of all callers gather in the next one, so a commit
 * carries as much as arrived during the one before: many callers share one sync of the disk, and a lone caller waits
 * for nobody. Only calls that may wait are held up to the commit interval, while nothing else comes that takes them
 * along. A command closes the batch before it, which keeps the order of calls.
 */

/** Readings that may wait as columns, about 4 MB; beyond it calls are held back. */
export const QUEUE_READINGS_MAX = 200_000;
/** Calls that may be held back; beyond it a call is refused. */
export const CALLS_HELD_MAX = 100_000;

export type Perform = (task: WriterTask, transfer?: ArrayBuffer[]) => Promise<Answer>;

interface TaskCall extends PromiseWithResolvers<unknown> {
  readonly kind: "task";
  readonly task: Exclude<Task, { kind: "append" | "close" }>;
  readonly transfer: ArrayBuffer[];
}

export interface QueueOptions {
  readonly perform: Perform;
  /** How long a call that may wait waits, ms. */
  readonly commitInterval: number;
  /** Takes what was committed, before its callers hear. @returns how many readings were new */
  onKept(kept: KeptAnswer): number;
  /** Why readings cannot be taken at present. */
  refusal(): FieldwattError | undefined;
  /** The first commit that failed for this fault; with nothing, the first that went well again. */
  onFault?(failure: Failure | undefined): void;
}

export interface Failure {
  readonly failing: string;
  readonly fault: Fault;
}

export interface QueueStats {
  readonly readingsCommitted: number;
  readonly commits: number;
  readonly readingsWaiting: number;
  readonly callsHeld: number;
  readonly failing?: string;
  readonly fault?: Fault;
}

export class WriteQueue {
  private readonly options: QueueOptions;
  private readonly steps: (Batch | TaskCall)[] = [];
  private held: (AppendCall | TaskCall)[] = [];
  private readonly ids: StreamIds = new Map();
  private waiting = 0;
  private committed = 0;
  private commits = 0;
  private lastBatch = 0;
  /** Of the journal and of SQLite, each until a commit of its own goes well: one may fail while the other works. */
  private readonly failures = new Map<"readings" | "tasks", Failure>();
  private closed = false;
  private pumping: Promise<void> | undefined;
  /** Ends the wait of a batch that may wait. */
  private hurry: () => void = () => undefined;

  constructor(options: QueueOptions) {
    this.options = options;
  }

  async append(readings: readonly Reading[], { mayWait = false }: AppendOptions = {}): Promise<void> {
    const fault = this.faultOf(readings);
    if (fault) throw fault;
    if (readings.length === 0) return;
    const call: AppendCall = { kind: "append", readings, mayWait, ...Promise.withResolvers() };
    this.take(call);
    await call.promise;
  }

  /** Runs a task in order with everything else; resolves with the value of its answer. */
  run(task: TaskCall["task"], transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (this.closed) return Promise.reject(closedError());
    const call: TaskCall = { kind: "task", task, transfer, ...Promise.withResolvers() };
    this.take(call);
    return call.promise;
  }

  stats(): QueueStats {
    return {
      readingsCommitted: this.committed,
      commits: this.commits,
      readingsWaiting: this.waiting,
      callsHeld: this.held.length,
      ...this.failure(),
    };
  }

  /** Takes no more calls, and resolves when all that were taken have their answer. */
  async close(): Promise<void> {
    this.closed = true;
    this.hurry();
    await this.pumping;
  }

  private faultOf(readings: readonly Reading[]): FieldwattError | undefined {
    if (this.closed) return closedError();
    for (const { stream, time, value, quality, sequence = 0 } of readings) {
      const whole = Number.isSafeInteger(time) && Number.isSafeInteger(sequence) && sequence >= 0;
      if (!whole || !Number.isFinite(value) || !QUALITIES.includes(quality)) {
        const text = `time ${time}, value ${value}, quality ${quality}, sequence ${sequence}`;
        return new FieldwattError("RECORD_FAILED", `A reading of ${stream} cannot be kept: ${text}`);
      }
    }
    return undefined;
  }

  private take(call: AppendCall | TaskCall): void {
    if (this.held.length === 0 && this.hasRoomFor(call)) this.admit(call);
    else if (this.held.length < CALLS_HELD_MAX) this.held.push(call);
    else
      call.reject(
        new FieldwattError("RECORD_FAILED", `More than ${CALLS_HELD_MAX} calls wait for the record.`),
      );
    if (this.mustHurry()) this.hurry();
    // After this turn of the event loop, so that all that one read of the sockets brought goes together.
    this.pumping ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.pump());
  }

  private hasRoomFor(call: AppendCall | TaskCall): boolean {
    if (call.kind === "task") return this.steps.length < CALLS_HELD_MAX;
    return this.waiting === 0 || this.waiting + call.readings.length <= QUEUE_READINGS_MAX;
  }

  private admit(call: AppendCall | TaskCall): void {
    if (call.kind === "task") {
      this.steps.push(call);
      return;
    }
    if (this.ids.size >= STREAMS_MAX && call.readings.some(({ stream }) => !this.ids.has(stream))) {
      call.reject(new FieldwattError("RECORD_FAILED", `More than ${STREAMS_MAX} streams in one run.`));
      return;
    }
    this.openBatch(call.readings.length).add(call);
    this.waiting += call.readings.length;
  }

  private openBatch(readings: number): Batch {
    const last = this.steps.at(-1);
    if (last?.kind === "append" && last.hasRoomFor(readings)) return last;
    const capacity = Math.max(readings, this.lastBatch);
    const batch = new Batch(this.ids, { capacity, since: performance.now() });
    this.steps.push(batch);
    return batch;
  }

  private async pump(): Promise<void> {
    for (let step = this.steps[0]; step; step = this.steps[0]) {
      if (step.kind === "append") await this.gather(step);
      this.steps.shift();
      if (step.kind === "append") await this.commit(step);
      else this.settle([step], await this.performSafely(step.task, step.transfer));
      this.admitHeld();
    }
    this.pumping = undefined;
  }

  /** Whether the first step must not wait any longer. */
  private mustHurry(): boolean {
    const [first] = this.steps;
    if (this.closed || this.steps.length > 1 || this.held.length > 0 || first?.kind !== "append") return true;
    return first.urgent || first.count >= READINGS_PER_COMMIT_MAX;
  }

  private async gather(batch: Batch): Promise<void> {
    const ms = batch.since + this.options.commitInterval - performance.now();
    if (ms <= 0 || this.mustHurry()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.hurry = () => undefined;
  }

  private async commit(batch: Batch): Promise<void> {
    const task = batch.toTask();
    const readings = batch.count;
    const refusal = this.options.refusal();
    const answer = refusal
      ? this.noted(task, { kind: "failed", code: refusal.code, message: refusal.message, fault: "other" })
      : await this.performSafely(task, buffersOf(task.columns));
    this.waiting -= readings;
    this.lastBatch = readings;
    if (answer.kind === "kept") {
      batch.names.forEach((name, i) => this.ids.set(name, Number(answer.ids[i])));
      this.committed += this.options.onKept(answer);
    }
    this.settle(batch.calls, answer);
  }

  private async performSafely(task: WriterTask, transfer: ArrayBuffer[]): Promise<Answer> {
    try {
      return this.noted(task, await this.options.perform(task, transfer));
    } catch (error) {
      const message = messageOf(error);
      return this.noted(task, { kind: "failed", code: "RECORD_FAILED", message, fault: "other" });
    }
  }

  private noted({ kind }: WriterTask, answer: Answer): Answer {
    const before = this.failure()?.fault;
    const part = kind === "append" ? "readings" : "tasks";
    if (answer.kind !== "failed") {
      this.commits++;
      this.failures.delete(part);
      // What is no fault of a disk (a writer that crashed) is over with the first commit of any kind.
      for (const [other, { fault }] of this.failures) if (fault === "other") this.failures.delete(other);
    } else if (answer.fault) this.failures.set(part, { failing: answer.message, fault: answer.fault });
    if (this.failure()?.fault !== before) this.options.onFault?.(this.failure());
    return answer;
  }

  private failure(): Failure | undefined {
    return this.failures.get("readings") ?? this.failures.get("tasks");
  }

  private settle(calls: readonly (AppendCall | TaskCall)[], answer: Answer): void {
    for (const call of calls) {
      if (answer.kind === "failed") call.reject(new FieldwattError(answer.code, answer.message));
      else if (call.kind === "append") call.resolve();
      else call.resolve(answer.kind === "done" ? answer.value : undefined);
    }
  }

  private admitHeld(): void {
    let taken = 0;
    for (const call of this.held) {
      if (!this.hasRoomFor(call)) break;
      this.admit(call);
      taken++;
    }
    if (taken > 0) this.held = this.held.slice(taken);
  }
}

const closedError = (): FieldwattError => new FieldwattError("RECORD_CLOSED", "The record is closed.");
