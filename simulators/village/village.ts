import { FieldwattError, instant, toIso, type Instant } from "../../domain/model/index.ts";
import { lookAt, newHousehold, stepHousehold, type Household } from "./household.ts";
import { fittingOf } from "./pattern.ts";
import { HISTORY_MS, STEP_MS } from "./place.ts";
import { walkWeather, type Weather } from "./weather.ts";

/**
 * The seeded village: a pure function of (seed, households, commissioned, time). It walks there minute by minute from
 * three days before it was commissioned, so that a simulator that is started again shows the counters that it would
 * have shown had it never stopped.
 */
export interface Village {
  /** The village in the minute that holds `time`; time that runs backwards shows the last minute again. */
  at(time: Instant): VillageState;
}

/** Live: the object changes when the village moves on. */
export interface VillageState {
  /** Share of the shown minute that has passed, 0 to 1: by so much of its energy have real counters moved on. */
  readonly elapsed: number;
  readonly weather: Readonly<Weather>;
  /** In order of their numbers. */
  readonly households: readonly Readonly<Household>[];
}

export interface VillageOptions {
  readonly seed: number;
  readonly households: number;
  readonly commissioned: Instant;
}

/** Ten years in one walk, half a minute of work for twelve households; whoever asks for more has mistaken a time. */
export const LONGEST_WALK_MS = 10 * 366 * 86_400_000;

/** @throws FieldwattError OPTION_INVALID (from `at`) for a time that is more than ten years after the last one */
export function openVillage({ seed, households: count, commissioned }: VillageOptions): Village {
  const walk = walkWeather(seed, commissioned);
  let weather = walk.advanceTo(commissioned - HISTORY_MS);
  const households = Array.from({ length: count }, (_, index) => newHousehold(seed, index, fittingOf(index)));
  for (const household of households) lookAt(household, weather);
  const state = { elapsed: 0, weather, households };
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
      }
      state.elapsed = Math.max(0, Math.min(1, (time - weather.time) / STEP_MS));
      return state;
    },
  };
}
