import {
  HOUR_MS,
  instant,
  SLOT_MS,
  type Granularity,
  type Instant,
  type Span,
  type VotedOffer,
} from "../model/index.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-01 was a Thursday, and weeks begin on Monday (ISO 8601). */
const MONDAY_MS = 4 * DAY_MS;

const STEPS: Readonly<Record<Exclude<Granularity, "month">, { length: number; origin: number }>> = {
  quarterHour: { length: SLOT_MS, origin: 0 },
  hour: { length: HOUR_MS, origin: 0 },
  day: { length: DAY_MS, origin: 0 },
  week: { length: WEEK_MS, origin: MONDAY_MS },
};

const modulo = (a: number, b: number): number => ((a % b) + b) % b;

/** Midnight at the first of a month, for a time that is already shifted to the offer's offset. */
function beginsMonth(shifted: number): boolean {
  return modulo(shifted, DAY_MS) === 0 && new Date(shifted).getUTCDate() === 1;
}

/**
 * Whether a window is exactly one step of the offer's grid. The grid is fixed, because sums over windows that slide
 * would give the finer sums away by their differences.
 */
export function isOnGrid(
  { from, to }: Span,
  offer: Pick<VotedOffer, "granularity" | "utcOffsetMinutes">,
): boolean {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return false;
  const shift = offer.utcOffsetMinutes * MINUTE_MS;
  if (offer.granularity === "month") {
    const length = to - from;
    return (
      beginsMonth(from + shift) && beginsMonth(to + shift) && length >= 28 * DAY_MS && length <= 31 * DAY_MS
    );
  }
  const { length, origin } = STEPS[offer.granularity];
  return to - from === length && modulo(from + shift - origin, length) === 0;
}

/** The step of the offer's grid that a time is in. */
export function stepAt(time: Instant, offer: Pick<VotedOffer, "granularity" | "utcOffsetMinutes">): Span {
  const shift = offer.utcOffsetMinutes * MINUTE_MS;
  if (offer.granularity === "month") {
    const at = new Date(time + shift);
    const firstOf = (month: number): Instant => instant(Date.UTC(at.getUTCFullYear(), month) - shift);
    return { from: firstOf(at.getUTCMonth()), to: firstOf(at.getUTCMonth() + 1) };
  }
  const { length, origin } = STEPS[offer.granularity];
  const from = time - modulo(time + shift - origin, length);
  return { from: instant(from), to: instant(from + length) };
}

export const overlap = (a: Span, b: Span): boolean => a.from < b.to && b.from < a.to;

export const isWithin = (inner: { from: Instant; to: Instant }, outer: Span): boolean =>
  inner.from >= outer.from && inner.to <= outer.to;
