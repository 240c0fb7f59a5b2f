import { FieldwattError, instant, toIso, type Instant } from "../../domain/model/index.ts";
import { lookAt, newHousehold, stepHousehold, type Household } from "./household.ts";
import { fittingOf } from "./pattern.ts";
import { HISTORY_MS, STEP_MS } from "./place.ts";
import { walkWeather, type Weather } from "./weather.ts";
import { newYard, runYard, stepYard, type Switching, type Yard } from "./yard.ts";

/**
 * The seeded village: a pure function of (seed, households, commissioned, time), and its yard of the switchings, too. It walks there minute by minute from
 * three days before it was commissioned, so that a simulator that is started again shows the counters that it would
 * have shown had it never stopped.
 */
export interface Village {
  /** The village in the minute that holds `time`; time that runs backwards shows the last minute again. */
  at(time: Instant): VillageState;
  /**
   * Somebody switches something in the yard; never before what was shown already. Gives it as it took place.
   * Throws RangeError where the village has no yard.
   */
  switch(switching: Switching): Switching;
}

/** Live: the object changes when the village moves on. */
export interface VillageState {
  /** Share of the shown minute that has passed, 0 to 1: by so much of its energy have real counters moved on. */
  readonly elapsed: number;
  readonly weather: Readonly<Weather>;
  /** In order of their numbers. */
  readonly households: readonly Readonly<Household>[];
  /** Counted up to the very moment that was asked for. */
  readonly yard?: Readonly<Yard>;
}

export interface VillageOptions {
  readonly seed: number;
  readonly households: number;
  readonly commissioned: Instant;
  /** With a yard, in which this was switched so far, in order of time. */
  readonly yard?: readonly Switching[] | undefined;
}

/** Ten years in one walk, half a minute of work for twelve households; whoever asks for more has mistaken a time. */
export const LONGEST_WALK_MS = 10 * 366 * 86_400_000;

/** @throws FieldwattError OPTION_INVALID (from `at`) for a time that is more than ten years after the last one */
export function openVillage(options: VillageOptions): Village {
  const { seed, households: count, commissioned } = options;
  const walk = walkWeather(seed, commissioned);
  let weather = walk.advanceTo(commissioned - HISTORY_MS);
  const households = Array.from({ length: count }, (_, index) => newHousehold(seed, index, fittingOf(index)));
  for (const household of households) lookAt(household, weather);
  const yard = options.yard && newYard(seed, commissioned, options.yard);
  const state = { elapsed: 0, weather, households, ...(yard && { yard }) };
  return {
    at(time) {
      if (time - weather.time > LONGEST_WALK_MS) {
        const from = toIso(instant(weather.time));
        throw new FieldwattError(
          "OPTION_INVALID",
          `The village stands at ${from}; ${toIso(time)} is too far to walk`,
        );
      }
      while (weather.time + STEP_MS <= time) {
        weather = walk.advanceTo(weather.time + STEP_MS);
        for (const household of households) stepHousehold(household, weather);
        if (yard) stepYard(yard, weather);
      }
      if (yard) runYard(yard, time);
      state.elapsed = Math.max(0, Math.min(1, (time - weather.time) / STEP_MS));
      return state;
    },
    switch(switching) {
      if (!yard) throw new RangeError("This village has no yard");
      const last = yard.switchings.at(-1)?.time ?? 0;
      const placed = { ...switching, time: Math.max(switching.time, yard.time, last) };
      yard.switchings.push(placed);
      return placed;
    },
  };
}
