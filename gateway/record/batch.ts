import { type Reading, type StreamId } from "../../domain/model/index.ts";
import { ColumnsBuilder } from "./blocks/columns.ts";
import { NEW_STREAM, QUALITIES, type AppendTask } from "./messages.ts";

/** The largest number of readings in one commit; a call with more is committed alone, whole. */
export const READINGS_PER_COMMIT_MAX = 5_000;
/** Names of streams in one run of the program. */
export const STREAMS_MAX = 100_000;

export interface AppendCall extends PromiseWithResolvers<void> {
  readonly kind: "append";
  readonly readings: readonly Reading[];
  /** The call may wait for others to share its commit. */
  readonly mayWait: boolean;
}

/** The durable ids of streams, as far as the writer has told them. */
export type StreamIds = Map<StreamId, number>;

/** Readings that gather for one commit, and who waits for it. */
export class Batch {
  readonly kind = "append";
  readonly calls: AppendCall[] = [];
  readonly names: StreamId[] = [];
  /** When its first call came, on a clock of its own that nobody sets, ms. */
  readonly since: number;
  /** Somebody in it does not want to wait. */
  urgent = false;
  private readonly columns: ColumnsBuilder;
  private readonly added = new Map<StreamId, number>();
  private readonly ids: StreamIds;

  constructor(ids: StreamIds, options: { readonly capacity: number; readonly since: number }) {
    this.ids = ids;
    this.columns = new ColumnsBuilder(options.capacity);
    this.since = options.since;
  }

  get count(): number {
    return this.columns.count;
  }

  hasRoomFor(readings: number): boolean {
    return this.count === 0 || this.count + readings <= READINGS_PER_COMMIT_MAX;
  }

  add(call: AppendCall): void {
    for (const { stream, time, value, quality, sequence = 0 } of call.readings) {
      const number = this.ids.get(stream) ?? this.numberOf(stream);
      this.columns.add({ stream: number, time, value, quality: QUALITIES.indexOf(quality), sequence });
    }
    this.calls.push(call);
    this.urgent ||= !call.mayWait;
  }

  toTask(): AppendTask {
    return { kind: "append", columns: this.columns.built(), names: this.names };
  }

  private numberOf(stream: StreamId): number {
    const known = this.added.get(stream);
    if (known !== undefined) return known;
    const number = NEW_STREAM + this.names.length;
    this.added.set(stream, number);
    this.names.push(stream);
    return number;
  }
}
