/**
 * The equations of Allen, Pereira, Raes and Smith, "Crop evapotranspiration", FAO Irrigation and Drainage Paper 56
 * (1998), chapters 2 to 4, for one day. Each function is one equation and carries its number.
 *
 * Temperatures are °C, vapour pressures and air pressure kPa, radiation MJ m⁻² d⁻¹, heights m, wind m/s, angles
 * radians unless the name says degrees, relative humidity %.
 */

/** Vapour pressure of saturated air, Eq 11. */
export const saturationVapourPressure = (temperature: number): number =>
  0.6108 * Math.exp((17.27 * temperature) / (temperature + 237.3));

/** Mean of the day's extremes, Eq 12; the pressure at the mean temperature would be too low, the curve is convex. */
export const meanSaturationVapourPressure = (minimum: number, maximum: number): number =>
  (saturationVapourPressure(minimum) + saturationVapourPressure(maximum)) / 2;

/** Slope of the saturation curve, kPa/°C, Eq 13. */
export const slopeOfSaturation = (temperature: number): number =>
  (4098 * saturationVapourPressure(temperature)) / (temperature + 237.3) ** 2;

/** Eq 7. */
export const atmosphericPressure = (elevation: number): number =>
  101.3 * ((293 - 0.0065 * elevation) / 293) ** 5.26;

/** kPa/°C, Eq 8. */
export const psychrometricConstant = (pressure: number): number => 0.665e-3 * pressure;

/** Actual vapour pressure from a psychrometer, Eq 15; `coefficient` is that of the instrument, 1/°C (Eq 16). */
export const vapourPressureFromPsychrometer = (
  air: { readonly dry: number; readonly wet: number; readonly pressure: number },
  coefficient: number,
): number => saturationVapourPressure(air.wet) - coefficient * air.pressure * (air.dry - air.wet);

interface Extremes {
  readonly minimum: number;
  readonly maximum: number;
}

/** Actual vapour pressure from both extremes of relative humidity, Eq 17. */
export const vapourPressureFromHumidity = (temperature: Extremes, humidity: Extremes): number =>
  (saturationVapourPressure(temperature.minimum) * (humidity.maximum / 100) +
    saturationVapourPressure(temperature.maximum) * (humidity.minimum / 100)) /
  2;

/** Actual vapour pressure from the day's highest relative humidity alone, Eq 18. */
export const vapourPressureFromHighestHumidity = (
  temperatureMinimum: number,
  humidityMaximum: number,
): number => saturationVapourPressure(temperatureMinimum) * (humidityMaximum / 100);

/** Actual vapour pressure from the mean relative humidity, Eq 19. */
export const vapourPressureFromMeanHumidity = (temperature: Extremes, humidityMean: number): number =>
  (humidityMean / 100) * meanSaturationVapourPressure(temperature.minimum, temperature.maximum);

export const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Inverse relative distance to the sun, Eq 23. */
export const relativeDistance = (dayOfYear: number): number =>
  1 + 0.033 * Math.cos((2 * Math.PI * dayOfYear) / 365);

/** Solar declination, Eq 24. */
export const solarDeclination = (dayOfYear: number): number =>
  0.409 * Math.sin((2 * Math.PI * dayOfYear) / 365 - 1.39);

/** Sunset hour angle, Eq 25; held to 0 in polar night and to π in polar day, where the equation has no value. */
export const sunsetHourAngle = (latitude: number, declination: number): number =>
  Math.acos(Math.min(1, Math.max(-1, -Math.tan(latitude) * Math.tan(declination))));

/** MJ m⁻² min⁻¹, with Eq 21. */
const SOLAR_CONSTANT = 0.082;

/** Radiation that reaches the top of the atmosphere, Eq 21. */
export function extraterrestrialRadiation(latitudeDegrees: number, dayOfYear: number): number {
  const latitude = radians(latitudeDegrees);
  const declination = solarDeclination(dayOfYear);
  const sunset = sunsetHourAngle(latitude, declination);
  const sines = sunset * Math.sin(latitude) * Math.sin(declination);
  const cosines = Math.cos(latitude) * Math.cos(declination) * Math.sin(sunset);
  return ((24 * 60) / Math.PI) * SOLAR_CONSTANT * relativeDistance(dayOfYear) * (sines + cosines);
}

/** Hours between sunrise and sunset, Eq 34. */
export const daylightHours = (latitudeDegrees: number, dayOfYear: number): number =>
  (24 / Math.PI) * sunsetHourAngle(radians(latitudeDegrees), solarDeclination(dayOfYear));

/** Solar radiation from hours of bright sunshine (Ångström), Eq 35, with the coefficients of p. 50. */
export const radiationFromSunshine = (
  sunshine: { readonly hours: number; readonly of: number },
  extraterrestrial: number,
): number => (0.25 + 0.5 * (sunshine.hours / sunshine.of)) * extraterrestrial;

/** Solar radiation from the range of temperature (Hargreaves), Eq 50; `coefficient` 0.16 inland, 0.19 at a coast. */
export const radiationFromTemperature = (
  temperature: Extremes,
  extraterrestrial: number,
  coefficient: number,
): number => coefficient * Math.sqrt(temperature.maximum - temperature.minimum) * extraterrestrial;

/** Solar radiation of a day without clouds, Eq 37. */
export const clearSkyRadiation = (elevation: number, extraterrestrial: number): number =>
  (0.75 + 2e-5 * elevation) * extraterrestrial;

/** What the reference grass does not reflect, Eq 38 with its albedo of 0.23. */
export const netShortwaveRadiation = (solar: number): number => (1 - 0.23) * solar;

/** Stefan-Boltzmann, MJ K⁻⁴ m⁻² d⁻¹, with Eq 39. */
const STEFAN_BOLTZMANN = 4.903e-9;

/** Net outgoing long-wave radiation, Eq 39; the ratio of solar to clear-sky radiation is at most 1 (p. 52). */
export function netLongwaveRadiation(
  temperature: Extremes,
  vapourPressure: number,
  sky: { readonly solar: number; readonly clear: number },
): number {
  const emitted =
    (STEFAN_BOLTZMANN * ((temperature.maximum + 273.16) ** 4 + (temperature.minimum + 273.16) ** 4)) / 2;
  const humidity = 0.34 - 0.14 * Math.sqrt(vapourPressure);
  const clouds = 1.35 * Math.min(1, sky.solar / sky.clear) - 0.35;
  return emitted * humidity * clouds;
}

/** Eq 40. */
export const netRadiation = (shortwave: number, longwave: number): number => shortwave - longwave;

/** Heat into the soil of a month, from the mean temperature before and after it, Eq 43. A day's is 0, Eq 42. */
export const soilHeatFluxOfMonth = (previous: number, next: number): number => 0.07 * (next - previous);

/** The same, where the next month is not known: from the month before to this one, Eq 44. */
export const soilHeatFluxToMonth = (previous: number, current: number): number => 0.14 * (current - previous);

/** Wind at 2 m from wind at `height`, Eq 47. Its logarithm has no meaning below about 0.1 m. */
export const windAtTwoMetres = (speed: number, height: number): number =>
  (speed * 4.87) / Math.log(67.8 * height - 5.42);

export interface PenmanMonteithTerms {
  readonly temperatureMean: number;
  readonly slope: number;
  readonly psychrometric: number;
  readonly netRadiation: number;
  readonly soilHeatFlux: number;
  readonly wind: number;
  readonly saturation: number;
  readonly vapourPressure: number;
}

/** Reference evapotranspiration of short grass, mm a day, Eq 6. */
export function penmanMonteith(terms: PenmanMonteithTerms): number {
  const { temperatureMean, slope, psychrometric, wind } = terms;
  const energy = 0.408 * slope * (terms.netRadiation - terms.soilHeatFlux);
  const aerodynamic =
    psychrometric * (900 / (temperatureMean + 273)) * wind * (terms.saturation - terms.vapourPressure);
  return (energy + aerodynamic) / (slope + psychrometric * (1 + 0.34 * wind));
}
