import { HOUR_MS, messageOf, type Instant } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { ReadingColumns } from "./blocks/columns.ts";
import type { HandOver, HotReadings } from "./hot.ts";
import { buffersOf, type JournalState, type PackTask } from "./messages.ts";

/**
 * When and how hot readings become blocks: when an hour of the gateway's clock is over, or so many readings (or bytes
 * of the journal) wait that memory and the next start would suffer. They are handed over in slices, each a task of
 * the queue like any other, so that commits of new readings go on in between.
 */

/** Hot readings that start packing before the hour is over. */
export const PACK_READINGS = 250_000;
/** Bytes of the journal that do so: commits of few readings each fill pages that are nearly empty. */
const PACK_BYTES = 48 * 1024 * 1024;
/** Readings in one transaction: a commit that comes meanwhile waits for about this much packing. */
const SLICE_READINGS = 10_000;
/** After a slice that failed, ms. */
const RETRY_MS = 10_000;

export interface PackingOptions {
  readonly hot: HotReadings;
  /** Runs the task in order with the commits. */
  run(task: PackTask, transfer: ArrayBuffer[]): Promise<unknown>;
  journal(): JournalState;
  /** The gateway's time; without it only the number of readings counts. */
  readonly now?: () => Instant;
  readonly log?: Logger;
}

interface Pending {
  readonly handOver: HandOver;
  readonly firstFrame: number;
  readonly lastFrame: number;
}

export class Packing {
  private readonly options: PackingOptions;
  private pending: Pending | undefined;
  private running: Promise<void> | undefined;
  private retryAt = 0;
  private hour: number | undefined;
  private bytes = 0;
  private stopped = false;

  constructor(options: PackingOptions) {
    this.options = options;
    this.hour = this.currentHour();
  }

  /** To be called after each commit, and once after the start. */
  afterCommit(bytes: number): void {
    this.bytes += bytes;
    if (this.running || this.stopped || performance.now() < this.retryAt || !this.due()) return;
    this.running = this.pack().finally(() => (this.running = undefined));
  }

  /** Begins no further slice, and resolves when the present one is done. */
  async close(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  /** Packs all that is hot now; rejects when a slice cannot be committed. */
  async packAll(): Promise<void> {
    while (this.running) await this.running;
    this.running = this.packPending().finally(() => (this.running = undefined));
    await this.running;
  }

  private currentHour(): number | undefined {
    const now = this.options.now?.();
    return now === undefined ? undefined : Math.floor(now / HOUR_MS);
  }

  private due(): boolean {
    const { hot } = this.options;
    const hour = this.currentHour();
    const over = this.hour !== hour && hot.count > 0;
    if (over) this.hour = hour;
    return over || this.pending !== undefined || hot.count >= PACK_READINGS || this.bytes >= PACK_BYTES;
  }

  private async pack(): Promise<void> {
    try {
      await this.packPending();
    } catch (error) {
      this.retryAt = performance.now() + RETRY_MS;
      if (!this.stopped)
        this.options.log?.error({ because: messageOf(error) }, "packing readings waits: it did not commit");
    }
  }

  private async packPending(): Promise<void> {
    const pending = (this.pending ??= this.begin());
    if (!pending) return;
    const { handOver, firstFrame, lastFrame } = pending;
    let before: ReadingColumns | undefined;
    for (const columns of handOver.slices(SLICE_READINGS)) {
      if (before) await this.packOne({ columns: before, firstFrame, lastFrame }, false);
      before = columns;
    }
    if (before) await this.packOne({ columns: before, firstFrame, lastFrame }, true);
    handOver.done();
    this.pending = undefined;
  }

  private begin(): Pending | undefined {
    const { last, packed } = this.options.journal();
    const handOver = this.options.hot.handOver();
    this.bytes = 0;
    return handOver && { handOver, firstFrame: packed + 1, lastFrame: last };
  }

  private async packOne(slice: PackTask["slice"], last: boolean): Promise<void> {
    if (this.stopped) throw new Error("the record is closing");
    await this.options.run({ kind: "pack", slice, last }, buffersOf(slice.columns));
  }
}
