import { HOUR_MS, type Instant } from "../model/index.ts";

/**
 * Where a counter stops being one line.
 *
 * A register only grows, and no faster than the device can work. Whatever else happens between two readings is a
 * discontinuity: the counter began at 0 again at its modulus, it was reset, the meter was replaced, its firmware counts
 * in another unit since, it jumped, or one value was wrong. Each is an event of the ledger with its date. A roll-over at
 * a known modulus and a single wrong value are counted through; anything else waits for a person, and until then nothing
 * is added.
 */
export interface RegisterReading {
  readonly time: Instant;
  /** Wh, may be fractional, as the meter tells it. */
  readonly register: number;
}

export const DISCONTINUITIES = ["rollover", "reset", "replaced", "scale", "jump", "spike"] as const;
export type DiscontinuityKind = (typeof DISCONTINUITIES)[number];

/** What the site and the device file say of a register. */
export interface RegisterTraits {
  /** Wh: the counter is 0 again after it. */
  readonly modulus?: number;
  /** W: the most that can flow; `MOST_POWER_W` where nobody says. */
  readonly mostPower?: number;
}

/** A village's transformer: no meter of a site that says nothing about its own limit counts faster. */
export const MOST_POWER_W = 250_000;
/** One step of a coarse register (a whole kWh): so much may come at once, however short the time. */
export const COARSE_STEP_WH = 1_000;

export interface Discontinuity {
  readonly kind: DiscontinuityKind;
  readonly before: RegisterReading;
  readonly after: RegisterReading;
  /** Scale only: values since are so many times what they were. */
  readonly factor?: number;
  /** Whole Wh between the two readings, if it is what it looks like. */
  readonly proposed: number;
}

/** A fall by more than this share of the modulus is a roll-over; a smaller fall is a reset. */
const ROLLOVER_SHARE = 0.9;
/** Float32 registers (IEEE 754, 24 bits) and rounding firmware step back by less than this: it is no event. */
const JITTER_WH = 2;
const JITTER_SHARE = 2 ** -22;
/** Firmware that changes its unit does so by a power of ten. */
const FACTORS = [10, 100, 1_000, 10_000, 100_000, 1_000_000].flatMap((factor) => [factor, 1 / factor]);
/** Only where what could have flowed is below this share of the register is a power of ten no accident. */
const SCALE_ROOM = 0.1;

/** Wh that can have flowed between two instants. */
const roomBetween = (from: Instant, to: Instant, { mostPower = MOST_POWER_W }: RegisterTraits): number =>
  COARSE_STEP_WH + (mostPower * Math.max(0, to - from)) / HOUR_MS;

/** A step back that is rounding. */
const isJitter = (before: number, after: number): boolean =>
  before - after <= JITTER_WH + before * JITTER_SHARE;

/**
 * What lies between two readings that follow one another: undefined where the register just went on.
 * A value that is followed by one which continues `before` is a spike; that takes more readings than two, so it is
 * told by `isSpike`.
 */
export function discontinuity(
  before: RegisterReading,
  after: RegisterReading,
  traits: RegisterTraits = {},
): Discontinuity | undefined {
  const room = roomBetween(before.time, after.time, traits);
  const grown = after.register - before.register;
  if (grown >= 0 ? grown <= room : isJitter(before.register, after.register)) return undefined;
  const found = (kind: DiscontinuityKind, proposed: number, factor?: number): Discontinuity => ({
    kind,
    before,
    after,
    proposed,
    ...(factor !== undefined && { factor }),
  });
  const through = throughModulus(before, after, traits.modulus);
  if (through !== undefined && through <= room) return found("rollover", through);
  const scaled = scaleChange(before.register, after.register, room);
  if (scaled) return found("scale", scaled.proposed, scaled.factor);
  if (grown > 0) return found("jump", 0);
  if (after.register >= 0 && after.register <= room) return found("reset", Math.floor(after.register));
  return found("replaced", 0);
}

function throughModulus(
  { register: from }: RegisterReading,
  { register: to }: RegisterReading,
  modulus: number | undefined,
): number | undefined {
  if (modulus === undefined || from - to <= modulus * ROLLOVER_SHARE) return undefined;
  return Math.floor(to) + Math.round(modulus) - Math.floor(from);
}

/** Whole Wh between two values of one line: the line is cut to whole Wh, so that this is what its slots sum to. */
const wholeGrowth = (from: number, to: number): number => Math.max(0, Math.floor(to) - Math.floor(from));

function scaleChange(
  before: number,
  after: number,
  room: number,
): { readonly factor: number; readonly proposed: number } | undefined {
  if (room > before * SCALE_ROOM) return undefined;
  for (const factor of FACTORS) {
    // A value in a larger unit has lost its last digits: it may lie below by one of its own steps.
    const lost = factor < 1 ? 1 / factor : 0;
    const grown = after / factor - before;
    if (grown >= -lost && grown <= room) return { factor, proposed: wholeGrowth(before, after / factor) };
  }
  return undefined;
}

/** Is `odd` a value that the register never had? True when the next reading continues `before` and not `odd`. */
export const isSpike = (
  before: RegisterReading,
  odd: RegisterReading,
  next: RegisterReading,
  traits: RegisterTraits = {},
): boolean =>
  discontinuity(before, next, traits) === undefined && discontinuity(odd, next, traits) !== undefined;

/**
 * What an operator says of an event.
 * `asProposed`: it is what it looks like. `registers`: the counter ended at `oldEnd` and went on at `newStart` (Wh, as
 * the meters told it). `energy`: so many Wh flowed between the two readings. `scale`: values since are `factor` times
 * what they were.
 */
export type Resolution =
  | { readonly kind: "asProposed" }
  | { readonly kind: "registers"; readonly oldEnd: number; readonly newStart: number }
  | { readonly kind: "energy"; readonly wattHours: number }
  | { readonly kind: "scale"; readonly factor: number };

export interface Effect {
  /** Whole Wh between the two readings. */
  readonly wattHours: number;
  /** Values from `after` on are so many times true. */
  readonly factor: number;
}

/** What an event adds under a resolution, or a sentence that says why the resolution cannot be. */
export function effectOf(event: Discontinuity, resolution: Resolution): Effect | string {
  switch (resolution.kind) {
    case "asProposed":
      return { wattHours: event.proposed, factor: event.factor ?? 1 };
    case "energy":
      return Number.isSafeInteger(resolution.wattHours) && resolution.wattHours >= 0
        ? { wattHours: resolution.wattHours, factor: 1 }
        : "the energy is a whole number of Wh, not below 0";
    case "scale": {
      const { factor } = resolution;
      if (!(factor > 0) || !Number.isFinite(factor)) return "the factor is above 0";
      const [from, to] = [event.before.register, event.after.register / factor];
      return to - from >= -1 / Math.min(1, factor)
        ? { wattHours: wholeGrowth(from, to), factor }
        : `divided by ${factor} the register would have fallen by ${Math.round(from - to)} Wh`;
    }
    case "registers":
      return betweenRegisters(event, resolution);
  }
}

function betweenRegisters(
  { before, after }: Discontinuity,
  { oldEnd, newStart }: { readonly oldEnd: number; readonly newStart: number },
): Effect | string {
  // A display shows no fractions.
  if (!(oldEnd >= Math.floor(before.register)))
    return `the old register ended at ${oldEnd} Wh, below its last reading of ${before.register} Wh`;
  if (!(newStart >= 0 && newStart <= after.register))
    return `the new register began at ${newStart} Wh, above its first reading of ${after.register} Wh`;
  const old = Math.floor(oldEnd) - Math.floor(before.register);
  return { wattHours: old + Math.floor(after.register) - Math.floor(newStart), factor: 1 };
}

/** Counted through without being asked: nothing about them is a guess. */
export const countedThrough = (kind: DiscontinuityKind): boolean => kind === "rollover" || kind === "spike";
