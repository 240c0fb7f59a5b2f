import {
  addMs,
  instant,
  SLOT_MS,
  wattHours,
  type Instant,
  type Interval,
  type Provenance,
} from "../model/index.ts";

/**
 * From counters to quarter hours.
 *
 * A cumulative register is read at odd moments; a slot begins and ends on the quarter hour. The register's value on
 * the boundary is taken once, by a straight line between the readings on either side, cut to whole Wh, and shared by
 * the slots left and right of it. So the slots of any span telescope: their sum is the register's difference, to the
 * last Wh, whatever was rounded on the way.
 *
 * A slot whose boundary had to be drawn through more than a quarter hour without a reading is `filled`: its sum with
 * its neighbours is measured, its shape is not. A register that went backwards was reset or rolled over: with a known
 * modulus a roll-over is counted through, anything else leaves the slot unknown.
 */
export interface RegisterReading {
  readonly time: Instant;
  /** Wh, may be fractional, as the meter tells it. */
  readonly register: number;
}

export interface Boundary {
  readonly time: Instant;
  /** Whole Wh. */
  readonly register: number;
  readonly filled: boolean;
}

/** A gap without readings that is longer than this makes the slots beside it `filled`. */
export const LONGEST_COUNTED_GAP_MS = SLOT_MS;

/** A fall by more than this share of the modulus is a roll-over; a smaller fall is a reset. */
const ROLLOVER_SHARE = 0.9;

/** The growth between two readings, or undefined where the register was reset. */
function growth(from: number, to: number, modulus?: number): number | undefined {
  if (to >= from) return to - from;
  if (modulus !== undefined && from - to > modulus * ROLLOVER_SHARE) return to + modulus - from;
  return undefined;
}

/**
 * The register on a slot boundary, from the last reading at or before it and the first at or after it.
 *
 * @returns undefined where the register was reset between the two
 */
export function boundaryAt(
  time: Instant,
  before: RegisterReading,
  after: RegisterReading,
  modulus?: number,
): Boundary | undefined {
  const gap = after.time - before.time;
  const grown = growth(before.register, after.register, modulus);
  if (grown === undefined) return undefined;
  const share = gap === 0 ? 0 : (time - before.time) / gap;
  const register = before.register + grown * share;
  return {
    time,
    register: Math.floor(modulus === undefined ? register : register % modulus),
    filled: gap > LONGEST_COUNTED_GAP_MS,
  };
}

/**
 * The slot between two boundaries, given the readings inside it (a reset between two boundaries can hide behind an
 * end that is higher than the start).
 */
export function intervalBetween(
  start: Boundary,
  end: Boundary,
  inside: readonly RegisterReading[],
  modulus?: number,
): Interval | undefined {
  let previous = start.register;
  // Boundaries are cut to whole Wh, so the first reading after one may lie up to 1 Wh below the next boundary's line.
  for (const { register } of inside) {
    if (growth(previous, register, modulus) === undefined) return undefined;
    previous = register;
  }
  if (growth(Math.floor(previous), end.register, modulus) === undefined) return undefined;
  const energy = growth(start.register, end.register, modulus);
  if (energy === undefined) return undefined;
  const provenance: Provenance = start.filled || end.filled ? "filled" : "counted";
  return { start: start.time, energy: wattHours(energy), provenance };
}

export interface PowerReading {
  readonly time: Instant;
  /** W, positive in one direction, negative in the other. */
  readonly power: number;
}

/** Longest gap that power may be drawn through with a straight line. */
export const LONGEST_INTEGRATED_GAP_MS = 5 * 60_000;

/**
 * Energy of one slot by trapezoids over power, for a device that has no register: what flowed forwards and what flowed
 * backwards, apart, each rounded to whole Wh.
 *
 * @param readings in time order, reaching from at or before `start` to at or after its end
 * @returns undefined where a gap is longer than `LONGEST_INTEGRATED_GAP_MS`, or an end is missing
 */
export function integrateSlot(
  start: Instant,
  readings: readonly PowerReading[],
): { forward: Interval; backward: Interval } | undefined {
  const end = addMs(start, SLOT_MS);
  let [forward, backward, covered] = [0, 0, 0];
  for (const [i, right] of readings.entries()) {
    const left = readings[i - 1];
    if (!left || right.time <= start || left.time >= end) continue;
    if (right.time - left.time > LONGEST_INTEGRATED_GAP_MS) return undefined;
    const piece = clip(left, right, { start, end });
    forward += positiveArea(piece.from, piece.to, piece.ms);
    backward += positiveArea(-piece.from, -piece.to, piece.ms);
    covered += piece.ms;
  }
  if (covered < SLOT_MS) return undefined;
  const interval = (wattMs: number): Interval => ({
    start,
    energy: wattHours(Math.round(wattMs / 3_600_000)),
    provenance: "integrated",
  });
  return { forward: interval(forward), backward: interval(backward) };
}

function clip(left: PowerReading, right: PowerReading, { start, end }: { start: Instant; end: Instant }) {
  const at = (time: number) =>
    left.power + ((right.power - left.power) * (time - left.time)) / (right.time - left.time);
  const [from, to] = [Math.max(left.time, start), Math.min(right.time, end)];
  return { from: at(from), to: at(to), ms: to - from };
}

/** Area above zero under a straight line from `from` to `to` over `ms`. */
function positiveArea(from: number, to: number, ms: number): number {
  if (from <= 0 && to <= 0) return 0;
  if (from >= 0 && to >= 0) return ((from + to) / 2) * ms;
  const [high, low] = from > to ? [from, to] : [to, from];
  return ((high / 2) * ms * high) / (high - low);
}

/** The starts of the slots in [from, to), both on a boundary. */
export function slotsBetween(from: Instant, to: Instant): Instant[] {
  return Array.from({ length: Math.max(0, (to - from) / SLOT_MS) }, (_, i) => instant(from + i * SLOT_MS));
}

const DOUBT: readonly Provenance[] = ["counted", "integrated", "filled"];

/** The provenance of a sum: that of its most doubtful part. */
export const leastCertain = (parts: readonly Provenance[]): Provenance =>
  DOUBT[Math.max(0, ...parts.map((part) => DOUBT.indexOf(part)))] ?? "filled";
