import { converter, isQuantity, type Quantity } from "../domain/model/index.ts";

/** Where a value belongs: a quantity, and the channel of the device that it is about. */
export interface Target {
  readonly quantity: Quantity;
  readonly channel?: string;
}

/** How a device's number becomes a stored one: number × scale, in `unit`, then converted once. */
export interface Scaling extends Target {
  readonly unit: string;
  readonly scale: number;
}

/**
 * Binary arithmetic leaves dust on decimal readings (2257 × 0.1 = 225.70000000000002). Fifteen significant digits
 * hold every register up to 10^15 exactly and sweep the dust away.
 */
export const tidy = (value: number): number =>
  Number.isInteger(value) || isShort(value) ? value : Number(value.toPrecision(15));

/** Six decimals at most of a number below 10^9: fifteen digits are the same number, without making text of it. */
const isShort = (value: number): boolean => Math.abs(value) < 1e9 && Math.round(value * 1e6) / 1e6 === value;

/** Multiplies, by a division where the scale is one over a whole number: 2257 / 10 is 225.7. */
export function scaled(value: number, scale: number): number {
  const divisor = Math.round(1 / scale);
  if (scale < 1 && Math.abs(divisor * scale - 1) < 1e-12) return tidy(value / divisor);
  return tidy(value * scale);
}

/** The device's number in the stored unit of its quantity, as a tidy decimal. */
export function stored(point: Scaling, value: number): number {
  if (point.unit === RATIO_OR_PERCENT) return ratio(scaled(value, point.scale));
  const convert = converter(point.quantity, point.unit);
  if (!convert) throw new RangeError(`${point.quantity} cannot be given in ${point.unit}`);
  // Adding 0 turns -0, which floats and negative scales give, into 0.
  return tidy(convert(scaled(value, point.scale))) + 0;
}

/**
 * Many devices give a power factor as a ratio or in per cent, and do not say which: more than 1 is per cent. SunSpec
 * says "Pct", yet Fronius gives 64.2 and 100, SMA and Veris -0.998 and 0.9925.
 */
export const RATIO_OR_PERCENT = "ratio or %";
const ratio = (value: number): number => tidy(Math.abs(value) > 1 ? value / 100 : value) + 0;

/** Bits of a float32's fraction. */
const FRACTION_BITS = 23;

/**
 * The shortest decimal that is less than one unit in the last place away from this float32: 230.2, neither
 * 230.1999969482422 nor its neighbour 230.20001220703125, which a meter's own arithmetic often gives.
 */
export function shortestFloat32(value: number): number {
  if (Number.isInteger(value)) return value;
  const lastPlace = 2 ** (Math.floor(Math.log2(Math.abs(value))) - FRACTION_BITS);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.abs(short - value) < lastPlace) return short;
  }
  return Number(value.toPrecision(9));
}

/** `voltage.L1` or `voltage`: how files, messages and people name a target in one word. */
export const targetName = (target: Target): string =>
  target.channel === undefined ? target.quantity : `${target.quantity}.${target.channel}`;

/** The target as the properties of a sample. */
export const targetOf = ({ quantity, channel }: Target): Target =>
  channel === undefined ? { quantity } : { quantity, channel };

function targetFrom(key: string): Target {
  const [quantity = "", channel] = key.split(".");
  if (!isQuantity(quantity)) throw new RangeError(`${key} is no quantity`);
  return channel === undefined ? { quantity } : { quantity, channel };
}

/** The points of a file's map, each with the target that its key names. Throws RangeError for a key that names none. */
export const targeted = <Point>(points: Readonly<Record<string, Point>>): (Point & Target)[] =>
  Object.entries(points).map(([key, point]) => ({ ...point, ...targetFrom(key) }));
