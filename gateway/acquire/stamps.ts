import type { DeviceId } from "../../domain/model/index.ts";

/** When a message came. The record keeps one value a stream, time and sequence, so no device gets a pair twice. */
export interface Stamp {
  /** ms */
  readonly time: number;
  /** 0 where the time alone tells it from all others. */
  readonly sequence: number;
}

/** Stamps may run ahead of the clock by this much, when a device sends more than one message a millisecond. */
const AHEAD_MAX_MS = 1_000;
/** Sequences that a stretch of time has to itself, after the clock was set back to it once more. */
const STRETCH = 2 ** 32;

interface Last extends Stamp {
  /** The latest time that was given, and the sequence with which times before it begin. */
  readonly peak: number;
  readonly first: number;
}

/**
 * The present, but never the same for two messages of one device: the next millisecond where one is used, and where
 * that runs too far ahead, because a device sends so fast, the same millisecond with the next sequence. A clock that was
 * set back is followed, with sequences that were not there before.
 */
export function openStamps({ aheadMaxMs = AHEAD_MAX_MS }: { readonly aheadMaxMs?: number } = {}): (
  device: DeviceId,
  now: number,
) => Stamp {
  const stamps = new Map<DeviceId, Last>();
  return (device, now) => {
    const last = stamps.get(device) ?? { time: -1, sequence: 0, peak: -1, first: 0 };
    const next = after(last, now, aheadMaxMs);
    stamps.set(device, next);
    return next;
  };
}

function after(last: Last, now: number, aheadMaxMs: number): Last {
  const { peak } = last;
  if (last.time > now + aheadMaxMs) {
    const first = last.first + STRETCH;
    return { time: now, sequence: first, peak, first };
  }
  const time = Math.min(Math.max(now, last.time + 1), now + aheadMaxMs);
  if (time === last.time) return { ...last, sequence: last.sequence + 1 };
  if (time > peak) return { time, sequence: 0, peak: time, first: last.first };
  return { ...last, time, sequence: last.first };
}
