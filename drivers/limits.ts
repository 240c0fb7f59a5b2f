import type { z } from "zod";
import { converter } from "../domain/model/index.ts";
import type { counter, LimitsInFile, valid } from "./limits-schema.ts";
import { targeted, type Target } from "./value.ts";

/**
 * What a device file says of the values that can be true. Points of Modbus devices say it themselves, for layouts differ;
 * every other form has a map `limits` by target, since one target may come in several messages, models or fields.
 */
export interface ValidRange {
  readonly min?: number;
  readonly max?: number;
  /** The largest change from one reading to the next. */
  readonly maxStep?: number;
}

export interface Counter {
  readonly kind: "monotonic" | "daily" | "resettable";
  /** In the stored unit: the counter is 0 again after it. */
  readonly modulus?: number;
}

/** Limits of one target, in its stored unit. Without a channel they hold for every channel that has none of its own. */
export interface Limit extends Target {
  readonly valid?: ValidRange;
  readonly counter?: Counter;
}

export const limitsFrom = (limits: LimitsInFile): Limit[] =>
  targeted(limits).map(({ unit, valid: range, counter: count, ...target }) => ({
    ...target,
    ...(range && { valid: validRange(range, { ...target, unit }) }),
    ...(count && { counter: counterOf(count, { ...target, unit }) }),
  }));

/** Limits of registers: their decoder judges the range itself, by the layout that it found. */
export const stepsOf = (points: readonly Limit[]): Limit[] =>
  points.map(({ quantity, channel, valid: range, counter: count }) => ({
    quantity,
    ...(channel !== undefined && { channel }),
    ...(range?.maxStep !== undefined && { valid: { maxStep: range.maxStep } }),
    ...(count && { counter: count }),
  }));

type InUnit = Target & { readonly unit: string };

/** The file's range in the stored unit. */
export function validRange({ min, max, maxStep }: z.infer<typeof valid>, point: InUnit): ValidRange {
  const convert = converter(point.quantity, point.unit) ?? ((value: number) => value);
  return {
    ...(min !== undefined && { min: convert(min) }),
    ...(max !== undefined && { max: convert(max) }),
    ...(maxStep !== undefined && { maxStep: convert(maxStep) - convert(0) }),
  };
}

/** The file's counter in the stored unit. */
export function counterOf({ kind, modulus }: z.infer<typeof counter>, point: InUnit): Counter {
  const convert = converter(point.quantity, point.unit) ?? ((value: number) => value);
  return modulus === undefined ? { kind } : { kind, modulus: convert(modulus) };
}
