import type { ErrorCode, Quality, Reading } from "../../domain/model/index.ts";

/** What the main thread and the writer's thread say to each other: one task at a time, one answer for each. */
export type Task = AppendTask | CommandTask | { readonly kind: "close" };

/** Readings as columns, whose memory is handed over instead of copied; 21 bytes a reading. */
export interface AppendTask {
  readonly kind: "append";
  readonly count: number;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  /** Numbers of this session: the position of the stream's name among all `names` sent so far. */
  readonly streams: Uint32Array<ArrayBuffer>;
  readonly qualities: Uint8Array<ArrayBuffer>;
  /** Names that the writer has not heard yet. */
  readonly names: readonly string[];
}

export interface CommandTask {
  readonly kind: "command";
  readonly name: string;
  readonly input: unknown;
}

export type Answer =
  | { readonly kind: "ready" }
  /** `value`: readings newly kept (append) or what the command returned. */
  | { readonly kind: "done"; readonly value: unknown }
  /** `storage`: the disk or the file is at fault, not the input. */
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly storage: boolean;
    };

/** The position is what the column `quality` holds: append only. */
export const QUALITIES: readonly Quality[] = ["ok", "stale", "sentinel", "implausible", "estimated"];

/** The largest number of readings in one commit; a call with more is committed alone, whole. */
export const READINGS_PER_COMMIT_MAX = 5_000;

/** Readings that gather for the next commit. */
export class Columns {
  count = 0;
  private times: Float64Array<ArrayBuffer>;
  private values: Float64Array<ArrayBuffer>;
  private streams: Uint32Array<ArrayBuffer>;
  private qualities: Uint8Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.streams = new Uint32Array(capacity);
    this.qualities = new Uint8Array(capacity);
  }

  hasRoomFor(readings: number): boolean {
    return this.count === 0 || this.count + readings <= READINGS_PER_COMMIT_MAX;
  }

  add(reading: Reading, stream: number): void {
    if (this.count === this.times.length) this.grow();
    const at = this.count++;
    this.times[at] = reading.time;
    this.values[at] = reading.value;
    this.streams[at] = stream;
    this.qualities[at] = QUALITIES.indexOf(reading.quality);
  }

  /** The task, and the buffers to transfer with it; this object is empty memory afterwards. */
  toTask(names: readonly string[]): { task: AppendTask; transfer: ArrayBuffer[] } {
    const { count, times, values, streams, qualities } = this;
    const transfer = [times.buffer, values.buffer, streams.buffer, qualities.buffer];
    return { task: { kind: "append", count, times, values, streams, qualities, names }, transfer };
  }

  private grow(): void {
    const capacity = Math.max(64, this.times.length * 2);
    const times = new Float64Array(capacity);
    const values = new Float64Array(capacity);
    const streams = new Uint32Array(capacity);
    const qualities = new Uint8Array(capacity);
    times.set(this.times);
    values.set(this.values);
    streams.set(this.streams);
    qualities.set(this.qualities);
    Object.assign(this, { times, values, streams, qualities });
  }
}
