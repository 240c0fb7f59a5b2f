import { pressureAt, saturation } from "./air.ts";
import { HISTORY_MS, localMinute, PLACE, STEP_MS } from "./place.ts";
import { random, type Random } from "./random.ts";
import { newSky, stepSky, type Sky } from "./sky.ts";
import { newSoil, stepSoil, type Soil } from "./soil.ts";
import { clearSky, dayNumber } from "./sun.ts";

/** The air and the field of the village at a minute; the sums only grow, so that a logger can take differences. */
export interface Weather {
  /** Start of the minute, ms. */
  time: number;
  airTemperature: number;
  relativeHumidity: number;
  /** kPa. */
  atmosphericPressure: number;
  /** At 2 m, m/s. */
  windSpeed: number;
  /** On a level plane, whole W/m². */
  solarIrradiance: number;
  /** Whole µm of rain since the start of the village. */
  rainSum: number;
  /** W/m² times minutes, and m/s times minutes, since the start of the village. */
  radiationSum: number;
  windSum: number;
  readonly sky: Sky;
  readonly soil: Soil;
}

export interface WeatherWalk {
  /** Moves to the minute that holds `time` (never back) and shows it; the object is the same every time. */
  advanceTo(time: number): Readonly<Weather>;
}

const PRESSURE = pressureAt(PLACE.elevation);

/** A walk through the weather from three days before the village was commissioned. */
export function walkWeather(seed: number, commissioned: number): WeatherWalk {
  const dice = random(seed, "weather");
  const time = Math.floor((commissioned - HISTORY_MS) / STEP_MS) * STEP_MS;
  const noise = { temperature: 0, vapour: 0, wind: 0 };
  const weather: Weather = {
    time,
    airTemperature: 19,
    relativeHumidity: 65,
    atmosphericPressure: PRESSURE,
    windSpeed: 1.5,
    solarIrradiance: 0,
    rainSum: 0,
    radiationSum: 0,
    windSum: 0,
    sky: newSky(),
    soil: newSoil(dice),
  };
  look(weather, noise);
  return {
    advanceTo(target) {
      while (weather.time + STEP_MS <= target) step(weather, noise, dice);
      return weather;
    },
  };
}

interface Noise {
  temperature: number;
  vapour: number;
  wind: number;
}

/** The minute that was shown passes (its sums grow), and the next one is looked at. */
function step(weather: Weather, noise: Noise, dice: Random): void {
  const rain = Math.round((weather.sky.rainRate * 1000) / 60);
  weather.rainSum += rain;
  weather.radiationSum += weather.solarIrradiance;
  weather.windSum += weather.windSpeed;
  stepSoil(weather.soil, { ...weather, rain });
  weather.time += STEP_MS;
  stepSky(weather.sky, weather.time, dice);
  noise.temperature = noise.temperature * 0.998 + dice.normal() * 0.05;
  noise.vapour = noise.vapour * 0.998 + dice.normal() * 0.004;
  noise.wind = noise.wind * 0.9 + dice.normal() * 0.18;
  look(weather, noise);
}

function look(weather: Weather, noise: Noise): void {
  const { time, sky } = weather;
  const season = Math.cos((2 * Math.PI * (dayNumber(time) - 60)) / 365);
  const hour = localMinute(time) / 60;
  const warmth = Math.cos((2 * Math.PI * (hour - 14.5)) / 24);
  const shade = (1 - sky.transmission) * (hour > 7 && hour < 19 ? 3 : -1);
  weather.airTemperature = 19.4 + 2 * season + 5.5 * warmth - shade + noise.temperature;
  const vapour = 1.4 + 0.2 * season + (sky.cloud === "rain" ? 0.25 : 0) + noise.vapour;
  weather.relativeHumidity = Math.max(20, Math.min(100, (100 * vapour) / saturation(weather.airTemperature)));
  weather.windSpeed = Math.max(0.2, (1.1 + 1.7 * Math.max(0, warmth)) * (1 + 0.5 * noise.wind));
  weather.solarIrradiance = Math.round(clearSky(time + STEP_MS / 2, PLACE) * sky.transmission);
}
