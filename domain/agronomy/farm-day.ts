import { HOUR_MS, isUsable, type FarmDay, type Instant, type Reading } from "../model/index.ts";

/** Share of a day's hours that must have a value before a figure of the day is given. */
export const LEAST_COVERAGE = 0.9;

export interface FarmReadings {
  readonly airTemperature: readonly Reading[];
  readonly relativeHumidity: readonly Reading[];
  readonly windSpeed: readonly Reading[];
  readonly solarIrradiance: readonly Reading[];
  readonly rainfall: readonly Reading[];
  readonly soilMoisture: readonly Reading[];
}

interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/**
 * A civil day of weather and soil. Each figure stands on its own: it is absent where fewer than 90 % of the day's
 * hours have a value of its sensor, because a minimum without the night is no minimum. Radiation and wind are means
 * of hourly means, so that a sensor that talks more at noon does not brighten the day; W/m² × 0.0864 is MJ m⁻² d⁻¹
 * (FAO-56 table 3).
 *
 * @returns undefined where no figure is known
 */
export function farmDay(readings: FarmReadings, span: Span): FarmDay | undefined {
  const hours = Math.round((span.end - span.start) / HOUR_MS);
  const series = Object.entries(readings).map(([name, list]) => ({ name, byHour: hourly(list, span) }));
  const known = series.filter(({ byHour }) => byHour.size / hours >= LEAST_COVERAGE);
  if (known.length === 0) return undefined;
  const means = (name: keyof FarmReadings) => {
    const byHour = known.find((s) => s.name === name)?.byHour;
    return byHour && [...byHour.values()].map((values) => values.reduce((a, b) => a + b, 0) / values.length);
  };
  const values = (name: keyof FarmReadings) =>
    known.find((s) => s.name === name) && readings[name].filter((r) => inside(r, span)).map((r) => r.value);
  return compact({
    airTemperatureMin: low(values("airTemperature")),
    airTemperatureMax: high(values("airTemperature")),
    relativeHumidityMin: low(values("relativeHumidity")),
    relativeHumidityMax: high(values("relativeHumidity")),
    windSpeedMean: mean(means("windSpeed")),
    solarRadiation: scaled(mean(means("solarIrradiance")), 0.0864),
    rainfall: values("rainfall")?.reduce((a, b) => a + b, 0),
    soilMoisture: values("soilMoisture")?.at(-1),
    coverage: Math.min(...known.map(({ byHour }) => byHour.size / hours)),
  });
}

const inside = (reading: Reading, { start, end }: Span) =>
  isUsable(reading.quality) && reading.time >= start && reading.time < end;

function hourly(readings: readonly Reading[], span: Span): Map<number, number[]> {
  const hours = new Map<number, number[]>();
  for (const reading of readings) {
    if (!inside(reading, span)) continue;
    const hour = Math.floor((reading.time - span.start) / HOUR_MS);
    hours.set(hour, [...(hours.get(hour) ?? []), reading.value]);
  }
  return hours;
}

const low = (values?: number[]) => (values?.length ? Math.min(...values) : undefined);
const high = (values?: number[]) => (values?.length ? Math.max(...values) : undefined);
const mean = (values?: number[]) =>
  values?.length ? values.reduce((a, b) => a + b, 0) / values.length : undefined;
const scaled = (value: number | undefined, factor: number) =>
  value === undefined ? undefined : value * factor;

/** Leaves out what is unknown and rounds to 4 decimals, far below what any of these sensors resolves. */
function compact(figures: { [Name in keyof FarmDay]: FarmDay[Name] | undefined }): FarmDay {
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    known.map(([name, value]) => [name, Number(Number(value).toFixed(4))]),
  ) as unknown as FarmDay;
}
