import { addMs, SLOT_MS, wattHours, type Instant, type Interval } from "../model/index.ts";
import { firstAtOrAfter } from "./series.ts";

/**
 * Energy from power: where a device has no register, or its register is missing, by trapezoids; and the shape of a gap
 * between two readings of a register.
 */
export interface PowerReading {
  readonly time: Instant;
  /** W, positive in one direction, negative in the other. */
  readonly power: number;
}

/** Longest gap that power may be drawn through with a straight line. */
export const LONGEST_INTEGRATED_GAP_MS = 5 * 60_000;
const WATT_MS_A_WH = 3_600_000;

/**
 * Energy of one slot by trapezoids over power: what flowed forwards and what flowed backwards, apart, each rounded to
 * whole Wh.
 *
 * @param readings in time order, reaching from at or before `start` to at or after its end
 * @returns undefined where a gap is longer than `LONGEST_INTEGRATED_GAP_MS`, or an end is missing
 */
export function integrateSlot(
  start: Instant,
  readings: readonly PowerReading[],
): { readonly forward: Interval; readonly backward: Interval } | undefined {
  const { forward, backward, covered } = areaOf(readings, { from: start, to: addMs(start, SLOT_MS) });
  if (covered < SLOT_MS) return undefined;
  const interval = (wattMs: number): Interval => ({
    start,
    energy: wattHours(Math.round(wattMs / WATT_MS_A_WH)),
    provenance: "integrated",
  });
  return { forward: interval(forward), backward: interval(backward) };
}

interface Span {
  readonly from: Instant;
  readonly to: Instant;
}

interface Area {
  /** W·ms above and below zero. */
  readonly forward: number;
  readonly backward: number;
  /** ms that power is known for. */
  readonly covered: number;
}

function areaOf(readings: readonly PowerReading[], span: Span): Area {
  let [forward, backward, covered] = [0, 0, 0];
  for (let i = Math.max(1, firstAtOrAfter(readings, span.from)); i < readings.length; i++) {
    const [left, right] = [readings[i - 1] as PowerReading, readings[i] as PowerReading];
    if (right.time <= span.from) continue;
    if (left.time >= span.to) break;
    if (right.time - left.time > LONGEST_INTEGRATED_GAP_MS) continue;
    const piece = clip(left, right, span);
    forward += positiveArea(piece.from, piece.to, piece.ms);
    backward += positiveArea(-piece.from, -piece.to, piece.ms);
    covered += piece.ms;
  }
  return { forward, backward, covered };
}

function clip(left: PowerReading, right: PowerReading, { from: start, to: end }: Span) {
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

/** A gap between two readings of a register that differ by `grown` Wh. */
export interface Gap extends Span {
  readonly grown: number;
}

/**
 * The share of a gap's energy that had flowed by `time`, 0 to 1. Where power is known, its shape; the rest of the
 * register's difference is spread evenly over the time without power. Power that says more than the register, or
 * all of the time, is scaled to the register: the difference is met exactly.
 *
 * @param power in the register's direction
 */
export function shareOfGap(time: Instant, gap: Gap, power: readonly PowerReading[]): number {
  const { from, to, grown } = gap;
  const straight = (time - from) / (to - from);
  if (power.length < 2 || grown <= 0) return straight;
  const [whole, soFar] = [areaOf(power, gap), areaOf(power, { from, to: time })];
  const total = grown * WATT_MS_A_WH;
  const unknownMs = to - from - whole.covered;
  if (whole.covered === 0) return straight;
  if (unknownMs > 0 && whole.forward <= total) {
    const mean = (total - whole.forward) / unknownMs;
    return Math.min(1, (soFar.forward + mean * (time - from - soFar.covered)) / total);
  }
  return whole.forward > 0 ? Math.min(1, soFar.forward / whole.forward) : straight;
}
