import type { Random } from "./random.ts";
import { localMinute } from "./place.ts";

/**
 * Clouds as a Markov chain in steps of a minute, and what they let through. Rain falls out of an overcast sky only,
 * more often in the two rainy seasons of Machakos (March to May, October to December) and in the afternoon.
 */
export type Cloud = "clear" | "scattered" | "overcast" | "rain";

export interface Sky {
  cloud: Cloud;
  /** Share of the clear-sky irradiance that arrives. */
  transmission: number;
  /** mm/h while it rains. */
  rainRate: number;
}

/** Chance that an overcast spell turns to rain, January to December. */
const RAIN_CHANCE = [0.25, 0.2, 0.4, 0.55, 0.3, 0.12, 0.08, 0.08, 0.1, 0.25, 0.6, 0.45];
/** Mean length of a spell, minutes. */
const SPELL_MINUTES: Readonly<Record<Cloud, number>> = { clear: 120, scattered: 50, overcast: 60, rain: 25 };
/** Mean and deviation of the transmission. */
const TRANSMISSION: Readonly<Record<Cloud, readonly [number, number]>> = {
  clear: [0.98, 0.01],
  scattered: [0.74, 0.12],
  overcast: [0.32, 0.05],
  rain: [0.16, 0.03],
};

export const newSky = (): Sky => ({ cloud: "clear", transmission: 0.98, rainRate: 0 });

export function stepSky(sky: Sky, time: number, dice: Random): void {
  if (dice.uniform() < 1 / SPELL_MINUTES[sky.cloud]) turn(sky, time, dice);
  const [mean, deviation] = TRANSMISSION[sky.cloud];
  const drift = (mean - sky.transmission) * 0.2 + dice.normal() * deviation * 0.6;
  sky.transmission = Math.max(0.08, Math.min(1.02, sky.transmission + drift));
}

function turn(sky: Sky, time: number, dice: Random): void {
  sky.cloud = nextCloud(sky.cloud, time, dice);
  sky.rainRate = sky.cloud === "rain" ? 1 + 11 * dice.uniform() ** 2 : 0;
}

function nextCloud(cloud: Cloud, time: number, dice: Random): Cloud {
  switch (cloud) {
    case "clear":
    case "rain":
      return cloud === "clear" ? "scattered" : "overcast";
    case "scattered":
      return dice.uniform() < 0.62 ? "clear" : "overcast";
    case "overcast":
      return dice.uniform() < rainChance(time) ? "rain" : "scattered";
  }
}

function rainChance(time: number): number {
  const season = RAIN_CHANCE[new Date(time).getUTCMonth()] ?? 0;
  const minute = localMinute(time);
  return minute > 14 * 60 && minute < 20 * 60 ? Math.min(0.9, season * 1.5) : season;
}
