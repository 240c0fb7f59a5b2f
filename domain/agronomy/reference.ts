import type { FarmDay } from "../model/index.ts";
import * as fao from "./fao56.ts";

/**
 * Daily reference evapotranspiration from what a farm measures (FAO-56, chapter 4).
 *
 * FAO-56 says what may stand in for a missing wind, humidity or radiation; each that did is named in the result with
 * its equation. Temperature has no substitute: without it the answer is "unknown", with the reason. Nothing missing
 * is ever taken as zero.
 */
export interface FarmPlace {
  /** Degrees, north positive. */
  readonly latitude: number;
  /** m. */
  readonly elevation: number;
  /** m above the ground. */
  readonly windSensorHeight: number;
  /** 1 to 366. */
  readonly dayOfYear: number;
}

export interface EvapotranspirationTerms {
  readonly pressure: number;
  readonly psychrometric: number;
  readonly slope: number;
  readonly saturation: number;
  readonly vapourPressure: number;
  readonly wind: number;
  readonly extraterrestrial: number;
  readonly daylightHours: number;
  readonly solar: number;
  readonly clearSky: number;
  readonly netShortwave: number;
  readonly netLongwave: number;
  readonly netRadiation: number;
}

export type ReferenceEvapotranspiration =
  | {
      readonly kind: "known";
      /** mm a day, not rounded. */
      readonly millimetres: number;
      readonly fallbacks: readonly string[];
      readonly terms: EvapotranspirationTerms;
    }
  | { readonly kind: "unknown"; readonly because: string };

/** Share of the day's hours that must be measured: a day's extremes cannot be seen in part of it. Our own bound. */
export const COVERAGE_MIN = 0.75;
/** The world's mean wind at 2 m, m/s (FAO-56 p. 63). */
const WIND_MEAN = 2;
/** m. Eq 47 has no meaning close to the ground (its logarithm passes 0 at 0.1 m). Our own bound. */
const WIND_HEIGHT_MIN = 0.5;
/** Hargreaves' coefficient inland, 1/√°C (FAO-56 p. 60). */
const RADIATION_COEFFICIENT = 0.16;

interface Estimate {
  readonly value: number;
  readonly fallback?: string;
}
interface Extremes {
  readonly minimum: number;
  readonly maximum: number;
}

function windOf(day: FarmDay, height: number): Estimate {
  if (day.windSpeedMean === undefined) {
    return { value: WIND_MEAN, fallback: "wind 2 m/s, the world's mean (FAO-56 p. 63)" };
  }
  if (height < WIND_HEIGHT_MIN) {
    const why = `because a sensor at ${height} m stands too low for Eq 47`;
    return { value: WIND_MEAN, fallback: `wind 2 m/s, the world's mean (FAO-56 p. 63), ${why}` };
  }
  return { value: fao.windAtTwoMetres(day.windSpeedMean, height) };
}

function vapourPressureOf(day: FarmDay, temperature: Extremes): Estimate {
  const { relativeHumidityMin: minimum, relativeHumidityMax: maximum } = day;
  if (maximum === undefined) {
    return {
      value: fao.saturationVapourPressure(temperature.minimum),
      fallback: "humidity from the lowest temperature as dew point (FAO-56 Eq 48)",
    };
  }
  if (minimum === undefined) {
    return {
      value: fao.vapourPressureFromHighestHumidity(temperature.minimum, maximum),
      fallback: "humidity from its highest value alone (FAO-56 Eq 18)",
    };
  }
  return { value: fao.vapourPressureFromHumidity(temperature, { minimum, maximum }) };
}

function solarOf(day: FarmDay, temperature: Extremes, extraterrestrial: number): Estimate {
  const measured = day.solarRadiation;
  if (measured !== undefined && measured <= extraterrestrial) return { value: measured };
  const why = measured === undefined ? "" : ", because more was measured than reaches the atmosphere (Eq 21)";
  return {
    value: fao.radiationFromTemperature(temperature, extraterrestrial, RADIATION_COEFFICIENT),
    fallback: `sun from the range of temperature, kRs 0.16 (FAO-56 Eq 50)${why}`,
  };
}

function whyUnknown(day: FarmDay, extraterrestrial: number): string | undefined {
  const { airTemperatureMin: minimum, airTemperatureMax: maximum } = day;
  if (minimum === undefined || maximum === undefined) return "the air temperature was not measured";
  if (minimum > maximum) return "the lowest air temperature is above the highest";
  if (day.coverage < COVERAGE_MIN) {
    return `only ${Math.floor(day.coverage * 100)} % of the day was measured; ${COVERAGE_MIN * 100} % are needed`;
  }
  if (extraterrestrial <= 0) return "the sun does not rise on this day";
  return undefined;
}

/** Reference evapotranspiration of one farm day, or why it is unknown. */
export function referenceEvapotranspiration(day: FarmDay, place: FarmPlace): ReferenceEvapotranspiration {
  const extraterrestrial = fao.extraterrestrialRadiation(place.latitude, place.dayOfYear);
  const because = whyUnknown(day, extraterrestrial);
  if (because !== undefined) return { kind: "unknown", because };
  const temperature = { minimum: Number(day.airTemperatureMin), maximum: Number(day.airTemperatureMax) };
  const temperatureMean = (temperature.minimum + temperature.maximum) / 2;
  const wind = windOf(day, place.windSensorHeight);
  const vapour = vapourPressureOf(day, temperature);
  const solar = solarOf(day, temperature, extraterrestrial);
  const clearSky = fao.clearSkyRadiation(place.elevation, extraterrestrial);
  const netShortwave = fao.netShortwaveRadiation(solar.value);
  const sky = { solar: solar.value, clear: clearSky };
  const netLongwave = fao.netLongwaveRadiation(temperature, vapour.value, sky);
  const pressure = fao.atmosphericPressure(place.elevation);
  const terms: EvapotranspirationTerms = {
    pressure,
    psychrometric: fao.psychrometricConstant(pressure),
    slope: fao.slopeOfSaturation(temperatureMean),
    saturation: fao.meanSaturationVapourPressure(temperature.minimum, temperature.maximum),
    vapourPressure: vapour.value,
    wind: wind.value,
    extraterrestrial,
    daylightHours: fao.daylightHours(place.latitude, place.dayOfYear),
    solar: solar.value,
    clearSky,
    netShortwave,
    netLongwave,
    netRadiation: fao.netRadiation(netShortwave, netLongwave),
  };
  const millimetres = fao.penmanMonteith({ ...terms, temperatureMean, soilHeatFlux: 0 });
  const fallbacks = [wind, vapour, solar].flatMap(({ fallback }) => fallback ?? []);
  return { kind: "known", millimetres, fallbacks, terms };
}

/** The day of the year of a civil day "2026-06-15", 1 to 366. */
export function dayOfYear(day: string): number {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Math.round((at - Date.UTC(Number(day.slice(0, 4)), 0, 0)) / 86_400_000);
}
