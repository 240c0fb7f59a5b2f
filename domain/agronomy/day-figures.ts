import { HOUR_MS, isUsable, QUANTITIES, type Instant, type Quantity, type Reading } from "../model/index.ts";

/**
 * What one civil day of one quantity comes to, by the rule that fits it: a state has a minimum, a maximum and a mean
 * weighted by time; an amount has a sum; a counter has the growth of its register; a direction has no minimum, and its
 * mean is that of its vector.
 */
export interface DayFigures {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly mean?: number;
  readonly sum?: number;
  /** Share of the day for which a value stood, 0 to 100 %. */
  readonly coverage: number;
}

/** A value stands for the time until the next one, but not for longer: then nothing is known. */
export const HOLD_MS = HOUR_MS;

interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/** @param readings of one stream, in order of time. @returns undefined for a day without a usable value */
export function dayFigures(
  quantity: Quantity,
  readings: readonly Reading[],
  span: Span,
): DayFigures | undefined {
  const usable = readings.filter(
    ({ quality, time }) => isUsable(quality) && time >= span.start && time < span.end,
  );
  if (usable.length === 0) return undefined;
  const held = holdTimes(usable, span);
  const coverage = (100 * held.reduce((a, b) => a + b, 0)) / (span.end - span.start);
  const values = usable.map(({ value }) => value);
  if (quantity === "windDirection") return { mean: meanDirection(values, held), coverage };
  switch (QUANTITIES[quantity].kind) {
    case "amount":
      return { sum: values.reduce((a, b) => a + b, 0), coverage };
    case "counter":
      return { ...growth(values), coverage };
    case "gauge":
      return {
        minimum: Math.min(...values),
        maximum: Math.max(...values),
        mean: weighted(values, held),
        coverage,
      };
  }
}

const holdTimes = (readings: readonly Reading[], { end }: Span): number[] =>
  readings.map(({ time }, i) => Math.min(HOLD_MS, (readings[i + 1]?.time ?? end) - time));

/** Each value by the time for which it stood; two values of one instant count alike. */
function weighted(values: readonly number[], held: readonly number[]): number {
  const whole = held.reduce((a, b) => a + b, 0);
  if (whole === 0) return values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, value, i) => sum + value * (held[i] ?? 0), 0) / whole;
}

/** A register that fell was reset or replaced: its day has no growth that one could name. */
function growth(values: readonly number[]): { readonly sum?: number } {
  const fell = values.some((value, i) => value < (values[i - 1] ?? value));
  return fell ? {} : { sum: (values.at(-1) ?? 0) - (values[0] ?? 0) };
}

/** 350° and 10° have their mean at 0°, not at 180°. */
function meanDirection(degrees: readonly number[], held: readonly number[]): number {
  const radians = degrees.map((one) => (one * Math.PI) / 180);
  const [x, y] = [weighted(radians.map(Math.cos), held), weighted(radians.map(Math.sin), held)];
  return ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
}
