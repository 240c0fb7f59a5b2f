import {
  addMs,
  instant,
  SLOT_MS,
  wattHours,
  type Instant,
  type Interval,
  type Provenance,
} from "../model/index.ts";
import { shareOfGap, type PowerReading } from "./fill.ts";
import type { LinePoint, RegisterLine } from "./line.ts";
import { firstAtOrAfter } from "./series.ts";

/**
 * From counters to quarter hours.
 *
 * A cumulative register is read at odd moments; a slot begins and ends on the quarter hour. The register's value on
 * the boundary lies between the readings on either side, cut to whole Wh, and is the same for the slots left and right
 * of it. So the slots of any span telescope: their sum is the register's difference, to the last Wh, whatever was
 * rounded on the way.
 *
 * A slot whose boundary had to be drawn through more than a quarter hour without a reading is `filled`: its sum with
 * its neighbours is measured, its shape is not. So is one that holds a step which an operator stated. What lies beyond
 * an event that nobody has settled (continuity.ts) is unknown.
 */
export interface Boundary {
  readonly time: Instant;
  /** Whole Wh along the line. */
  readonly register: number;
  readonly filled: boolean;
  readonly segment: number;
}

/** What is known of one slot: not yet, never, or a figure. */
export type SlotResult<T> =
  { readonly kind: "waiting" } | { readonly kind: "unknown" } | { readonly kind: "known"; readonly value: T };

const WAITING = { kind: "waiting" } as const;
const UNKNOWN = { kind: "unknown" } as const;

/** A gap without readings that is longer than this makes the slots beside it `filled`. */
export const LONGEST_COUNTED_GAP_MS = SLOT_MS;

/**
 * The register on a slot boundary. Waiting until a reading at or after it; unknown before the first reading and across
 * an event that nobody has settled.
 *
 * @param power of the device in the register's direction, in time order: the shape of a gap
 */
export function boundaryAt(
  { points }: Pick<RegisterLine, "points">,
  time: Instant,
  power: readonly PowerReading[] = [],
): SlotResult<Boundary> {
  const at = firstAtOrAfter(points, time);
  const after = points[at];
  if (!after) return WAITING;
  if (after.time === time) return known(time, after, false);
  const before = points[at - 1];
  if (!before || before.segment !== after.segment) return UNKNOWN;
  const filled = after.time - before.time > LONGEST_COUNTED_GAP_MS || after.stated;
  const grown = after.register - before.register;
  const share = filled
    ? shareOfGap(time, { from: before.time, to: after.time, grown }, power)
    : (time - before.time) / (after.time - before.time);
  return known(time, { ...before, register: before.register + grown * share }, filled);
}

const known = (
  time: Instant,
  { register, segment }: Pick<LinePoint, "register" | "segment">,
  filled: boolean,
): SlotResult<Boundary> => ({
  kind: "known",
  value: { time, register: Math.floor(register), filled, segment },
});

/** The energy of the slot that begins at `start`. */
export function slotOf(
  line: RegisterLine,
  start: Instant,
  power: readonly PowerReading[] = [],
): SlotResult<Interval> {
  const end = addMs(start, SLOT_MS);
  const [from, to] = [boundaryAt(line, start, power), boundaryAt(line, end, power)];
  if (to.kind !== "known") return to;
  if (from.kind !== "known" || from.value.segment !== to.value.segment) return UNKNOWN;
  if (line.doubtfulFrom !== undefined && end > line.doubtfulFrom) return UNKNOWN;
  const filled = from.value.filled || to.value.filled || hasStatedStep(line.points, start, end);
  const energy = wattHours(to.value.register - from.value.register);
  return { kind: "known", value: { start, energy, provenance: filled ? "filled" : "counted" } };
}

function hasStatedStep(points: readonly LinePoint[], start: Instant, end: Instant): boolean {
  for (let i = firstAtOrAfter(points, start); i < points.length; i++) {
    const point = points[i] as LinePoint;
    if (point.time > end) return false;
    if (point.stated && point.time > start) return true;
  }
  return false;
}

/** The starts of the slots in [from, to), both on a boundary. */
export function slotsBetween(from: Instant, to: Instant): Instant[] {
  return Array.from({ length: Math.max(0, (to - from) / SLOT_MS) }, (_, i) => instant(from + i * SLOT_MS));
}

const DOUBT: readonly Provenance[] = ["counted", "integrated", "filled"];

/** The provenance of a sum: that of its most doubtful part. */
export const leastCertain = (parts: readonly Provenance[]): Provenance =>
  DOUBT[Math.max(0, ...parts.map((part) => DOUBT.indexOf(part)))] ?? "filled";
