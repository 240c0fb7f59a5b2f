import { addMs, SLOT_MS, type Instant, type Interval } from "../model/index.ts";
import {
  boundaryAt,
  integrateSlot,
  intervalBetween,
  LONGEST_INTEGRATED_GAP_MS,
  type Boundary,
  type PowerReading,
  type RegisterReading,
} from "./intervals.ts";

/** What is known of one slot: not yet, never, or a figure. */
export type SlotResult<T> =
  { readonly kind: "waiting" } | { readonly kind: "unknown" } | { readonly kind: "known"; readonly value: T };

const WAITING = { kind: "waiting" } as const;
const UNKNOWN = { kind: "unknown" } as const;

/** Keeps a list in time order while things arrive mostly in order; a second value for one instant is ignored. */
function insertByTime<T extends { readonly time: Instant }>(list: T[], item: T): void {
  let i = list.length;
  while (i > 0 && (list[i - 1] as T).time > item.time) i--;
  if (list[i - 1]?.time !== item.time) list.splice(i, 0, item);
}

/**
 * The recent past of one register: just enough to find its value on the boundaries that are still open. What lies
 * before the last settled boundary is forgotten.
 */
export interface RegisterTrack {
  add(reading: RegisterReading): void;
  /** Remembers a boundary that was settled in an earlier run. */
  settle(boundary: Boundary): void;
  /** The slot that begins at `start`, and the boundaries that it settled. */
  slot(start: Instant): SlotResult<{ interval: Interval; boundaries: readonly Boundary[] }>;
  /** Forgets readings that no open slot after `time` needs. */
  forgetBefore(time: Instant): void;
}

export function registerTrack(modulus?: number): RegisterTrack {
  const readings: RegisterReading[] = [];
  const settled = new Map<Instant, Boundary>();

  function boundary(time: Instant): SlotResult<Boundary> {
    const known = settled.get(time);
    if (known) return { kind: "known", value: known };
    const after = readings.find((reading) => reading.time >= time);
    if (!after) return WAITING;
    const earlier = [...settled.values()].filter((b) => b.time <= time).at(-1);
    const read = readings.findLast((reading) => reading.time <= time);
    const before = read && (!earlier || read.time >= earlier.time) ? read : earlier;
    const value = before && boundaryAt(time, before, after, modulus);
    if (!value) return UNKNOWN;
    settled.set(time, value);
    return { kind: "known", value };
  }

  return {
    add: (reading) => insertByTime(readings, reading),
    settle: (b) => void settled.set(b.time, b),
    slot(start) {
      const [from, to] = [boundary(start), boundary(addMs(start, SLOT_MS))];
      if (to.kind !== "known") return to;
      if (from.kind !== "known") return UNKNOWN;
      const inside = readings.filter((r) => r.time > start && r.time < to.value.time);
      const interval = intervalBetween(from.value, to.value, inside, modulus);
      return interval ? { kind: "known", value: { interval, boundaries: [from.value, to.value] } } : UNKNOWN;
    },
    forgetBefore(time) {
      const last = readings.findLastIndex((reading) => reading.time <= time);
      if (last > 0) readings.splice(0, last);
      for (const at of settled.keys()) if (at < time) settled.delete(at);
    },
  };
}

/** The recent past of a power that no register counts. */
export interface PowerTrack {
  add(reading: PowerReading): void;
  slot(start: Instant): SlotResult<{ forward: Interval; backward: Interval }>;
  forgetBefore(time: Instant): void;
}

export function powerTrack(): PowerTrack {
  const readings: PowerReading[] = [];
  return {
    add: (reading) => insertByTime(readings, reading),
    slot(start) {
      const last = readings.at(-1);
      if (!last || last.time < addMs(start, SLOT_MS)) return WAITING;
      const value = integrateSlot(start, readings);
      return value ? { kind: "known", value } : UNKNOWN;
    },
    forgetBefore(time) {
      const keep = readings.findIndex((reading) => reading.time >= time - LONGEST_INTEGRATED_GAP_MS);
      readings.splice(0, keep < 0 ? readings.length : keep);
    },
  };
}
