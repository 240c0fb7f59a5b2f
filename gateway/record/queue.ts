import { FieldwattError, messageOf, type Reading, type StreamId } from "../../domain/model/index.ts";
import type { Answer, CommandTask, Task } from "./messages.ts";
import { Columns, QUALITIES } from "./messages.ts";
import type { RecordStats } from "./store.ts";

/**
 * What waits for the writer. While one transaction runs, the readings of all callers gather in the next one, so a
 * commit carries as much as arrived during the one before: many callers share one sync of the disk, and a lone
 * caller waits for nobody (no timer). A command closes the batch before it, which keeps the order of calls.
 */

/** Readings that may wait as columns, about 4 MB; beyond it calls are held back. */
export const QUEUE_READINGS_MAX = 200_000;
/** Calls that may be held back; beyond it a call is refused. */
export const CALLS_HELD_MAX = 100_000;
/** Names of streams in one run of the program. */
export const STREAMS_MAX = 100_000;

export type Perform = (task: Task, transfer?: ArrayBuffer[]) => Promise<Answer>;

interface AppendCall extends PromiseWithResolvers<unknown> {
  readonly kind: "append";
  readonly readings: readonly Reading[];
}

interface CommandCall extends PromiseWithResolvers<unknown> {
  readonly kind: "command";
  readonly task: CommandTask;
}

type Batch = { readonly kind: "append"; readonly columns: Columns; readonly calls: AppendCall[] };

export class WriteQueue {
  private readonly perform: Perform;
  private readonly steps: (Batch | CommandCall)[] = [];
  private held: (AppendCall | CommandCall)[] = [];
  private readonly streams = new Map<StreamId, number>();
  private newNames: string[] = [];
  private waiting = 0;
  private committed = 0;
  private commits = 0;
  private lastBatch = 0;
  private failing: string | undefined;
  private closed = false;
  private pumping: Promise<void> | undefined;

  constructor(perform: Perform) {
    this.perform = perform;
  }

  async append(readings: readonly Reading[]): Promise<void> {
    const fault = this.faultOf(readings);
    if (fault) throw fault;
    if (readings.length === 0) return;
    const call: AppendCall = { kind: "append", readings, ...Promise.withResolvers() };
    this.take(call);
    await call.promise;
  }

  run(name: string, input: unknown): Promise<unknown> {
    if (this.closed) return Promise.reject(closedError());
    const call: CommandCall = {
      kind: "command",
      task: { kind: "command", name, input },
      ...Promise.withResolvers(),
    };
    this.take(call);
    return call.promise;
  }

  stats(): RecordStats {
    return {
      readingsCommitted: this.committed,
      commits: this.commits,
      readingsWaiting: this.waiting,
      callsHeld: this.held.length,
      ...(this.failing !== undefined && { failing: this.failing }),
    };
  }

  /** A new writer knows no names. */
  forgetNamesSent(): void {
    this.newNames = [...this.streams.keys()];
  }

  /** Takes no more calls, and resolves when all that were taken have their answer. */
  async close(): Promise<void> {
    this.closed = true;
    await this.pumping;
  }

  private faultOf(readings: readonly Reading[]): FieldwattError | undefined {
    if (this.closed) return closedError();
    for (const { stream, time, value, quality } of readings) {
      if (!Number.isSafeInteger(time) || !Number.isFinite(value) || !QUALITIES.includes(quality)) {
        const text = `time ${time}, value ${value}, quality ${quality}`;
        return new FieldwattError("RECORD_FAILED", `A reading of ${stream} cannot be kept: ${text}`);
      }
    }
    return undefined;
  }

  private take(call: AppendCall | CommandCall): void {
    if (this.held.length === 0 && this.hasRoomFor(call)) this.admit(call);
    else if (this.held.length < CALLS_HELD_MAX) this.held.push(call);
    else
      call.reject(
        new FieldwattError("RECORD_FAILED", `More than ${CALLS_HELD_MAX} calls wait for the record.`),
      );
    // After this turn of the event loop, so that all that one read of the sockets brought goes together.
    this.pumping ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.pump());
  }

  private hasRoomFor(call: AppendCall | CommandCall): boolean {
    if (call.kind === "command") return this.steps.length < CALLS_HELD_MAX;
    return this.waiting === 0 || this.waiting + call.readings.length <= QUEUE_READINGS_MAX;
  }

  private admit(call: AppendCall | CommandCall): void {
    if (call.kind === "command") {
      this.steps.push(call);
      return;
    }
    const numbers = call.readings.map(({ stream }) => this.numberOf(stream));
    if (numbers.includes(undefined)) {
      call.reject(new FieldwattError("RECORD_FAILED", `More than ${STREAMS_MAX} streams in one run.`));
      return;
    }
    const batch = this.openBatch(call.readings.length);
    call.readings.forEach((reading, at) => batch.columns.add(reading, Number(numbers[at])));
    batch.calls.push(call);
    this.waiting += call.readings.length;
  }

  private openBatch(readings: number): Batch {
    const last = this.steps.at(-1);
    if (last?.kind === "append" && last.columns.hasRoomFor(readings)) return last;
    const batch: Batch = {
      kind: "append",
      columns: new Columns(Math.max(readings, this.lastBatch)),
      calls: [],
    };
    this.steps.push(batch);
    return batch;
  }

  private numberOf(stream: StreamId): number | undefined {
    const known = this.streams.get(stream);
    if (known !== undefined) return known;
    if (this.streams.size >= STREAMS_MAX) return undefined;
    this.streams.set(stream, this.streams.size);
    this.newNames.push(stream);
    return this.streams.size - 1;
  }

  private async pump(): Promise<void> {
    for (let step = this.steps.shift(); step; step = this.steps.shift()) {
      if (step.kind === "append") await this.commit(step);
      else this.settle(step, await this.performSafely(step.task));
      this.admitHeld();
    }
    this.pumping = undefined;
  }

  private async commit({ columns, calls }: Batch): Promise<void> {
    const readings = columns.count;
    const { task, transfer } = columns.toTask(this.newNames);
    this.newNames = [];
    const answer = await this.performSafely(task, transfer);
    this.waiting -= readings;
    this.lastBatch = readings;
    if (answer.kind === "done") this.committed += Number(answer.value);
    for (const call of calls) this.settle(call, answer);
  }

  private async performSafely(task: Task, transfer?: ArrayBuffer[]): Promise<Answer> {
    try {
      const answer = await this.perform(task, transfer);
      if (answer.kind !== "failed") this.commits++;
      if (answer.kind !== "failed") this.failing = undefined;
      else if (answer.storage) this.failing = answer.message;
      return answer;
    } catch (error) {
      this.failing = messageOf(error);
      return { kind: "failed", code: "RECORD_FAILED", message: messageOf(error), storage: true };
    }
  }

  private settle(call: AppendCall | CommandCall, answer: Answer): void {
    if (answer.kind === "failed") call.reject(new FieldwattError(answer.code, answer.message));
    else call.resolve(answer.kind === "done" ? answer.value : undefined);
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
