import type { Instant } from "../model/index.ts";

/**
 * One quantity's readings in time order, as two columns: a village that asks 500 meters each second holds two million
 * of them until their quarter hours are closed, and as objects each would take five times the room.
 */
export class TimedValues {
  private times: Float64Array<ArrayBuffer> = new Float64Array(0);
  private values: Float64Array<ArrayBuffer> = new Float64Array(0);
  private count = 0;

  get length(): number {
    return this.count;
  }

  timeAt(at: number): Instant {
    return Number(this.times[at]) as Instant;
  }

  valueAt(at: number): number {
    return Number(this.values[at]);
  }

  /** Undefined where there is none. */
  lastTime(): Instant | undefined {
    return this.count === 0 ? undefined : this.timeAt(this.count - 1);
  }

  /**
   * Adds a reading; they arrive mostly in order, and a second one for an instant is ignored.
   * @returns where it stands now, or undefined for one that was ignored
   */
  insert(time: Instant, value: number): number | undefined {
    const at = this.count > 0 && time <= this.timeAt(this.count - 1) ? this.firstAtOrAfter(time) : this.count;
    if (at < this.count && this.timeAt(at) === time) return undefined;
    if (this.count === this.times.length) this.resize(Math.ceil(this.count * GROWTH) + LEAST);
    if (at < this.count)
      for (const column of [this.times, this.values]) column.copyWithin(at + 1, at, this.count);
    this.times[at] = time;
    this.values[at] = value;
    this.count++;
    return at;
  }

  /** Drops the reading at a position that holds one; a loop, because it is mostly one of the last. */
  drop(at: number): void {
    this.count--;
    for (let to = at; to < this.count; to++) {
      this.times[to] = this.timeAt(to + 1);
      this.values[to] = this.valueAt(to + 1);
    }
  }

  /**
   * Drops what lies before the last reading at or before `time`; that one stays, because a line is drawn from it.
   * @returns how many were dropped
   */
  forgetBefore(time: Instant): number {
    const next = this.firstAtOrAfter(time);
    const drop = Math.max(0, next < this.count && this.timeAt(next) === time ? next : next - 1);
    if (drop === 0) return 0;
    for (const column of [this.times, this.values]) column.copyWithin(0, drop, this.count);
    this.count -= drop;
    if (this.times.length > ROOM_KEPT * (this.count + LEAST)) this.resize(this.count + LEAST);
    return drop;
  }

  /** Each as an object, for whoever reads them once. */
  list<Item>(item: (time: Instant, value: number) => Item): Item[] {
    return Array.from({ length: this.count }, (_, at) => item(this.timeAt(at), this.valueAt(at)));
  }

  private firstAtOrAfter(time: Instant): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private resize(capacity: number): void {
    this.times = resized(this.times, this.count, capacity);
    this.values = resized(this.values, this.count, capacity);
  }
}

/** The room grows by a quarter: twice would lie idle for half of the time. */
const GROWTH = 1.25;
const LEAST = 16;
/** What a quarter hour needed the next one needs again: columns made anew each time leave holes of every size. */
const ROOM_KEPT = 8;

function resized(column: Float64Array, count: number, capacity: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(capacity);
  wider.set(column.subarray(0, count));
  return wider;
}
