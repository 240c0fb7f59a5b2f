import { HOUR_MS, instant, type Instant } from "../../domain/model/index.ts";
import { NO_SHIFT, type Shift } from "../faults.ts";
import { walkWeather, type Weather } from "../village/weather.ts";

/**
 * A weather station that is a logger: it keeps a record an hour while nobody listens and one every five minutes while
 * somebody does. What it hands over carries its own, absolute times; rain, sun and wind are of the time since the
 * record before, so that a reader who adds rain up has every millimetre once.
 */
export interface WeatherLogger {
  /**
   * The records that fall due between the last one and `now`, as SenML packs (RFC 8428), the oldest first; each pack
   * says through which time it reaches.
   */
  due(now: Instant): readonly WeatherPack[];
}

export interface WeatherPack {
  readonly through: Instant;
  readonly records: number;
  readonly payload: Uint8Array;
}

export interface WeatherLoggerOptions {
  readonly id: string;
  readonly seed: number;
  readonly commissioned: Instant;
  /** Time of the last record that was handed over; absent for a logger that nobody has asked yet. */
  readonly through?: Instant;
  /** How far off its sensors are when a record is made. */
  readonly shift?: Shift;
}

export const BACKLOG_MS = 48 * HOUR_MS;
export const LIVE_MS = 5 * 60_000;
const PACK_RECORDS_MAX = 12;
/** One tip of the bucket, µm. */
const TIP = 200;

interface Marks {
  readonly time: number;
  readonly rain: number;
  readonly radiation: number;
  readonly wind: number;
}

export function openWeatherLogger({
  id,
  seed,
  commissioned,
  through,
  shift = NO_SHIFT,
}: WeatherLoggerOptions): WeatherLogger {
  const walk = walkWeather(seed, commissioned);
  let last: Marks | undefined;
  return {
    due(now) {
      const start = Math.max(last?.time ?? through ?? 0, now - BACKLOG_MS);
      last = last && last.time >= start ? last : marks(walk.advanceTo(start), start);
      const records: SenmlRecord[][] = [];
      const times = recordTimes(last.time, now);
      for (const time of times) {
        const weather = walk.advanceTo(time);
        const mark = marks(weather, time);
        records.push(record(id, shifted(weather, shift), last, mark));
        last = mark;
      }
      return packs(times, records);
    },
  };
}

/** Whole hours up to the last one that is over, then the five minutes of the hour that runs. */
export function recordTimes(after: number, now: number): readonly Instant[] {
  const times: Instant[] = [];
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const next = (time: number, step: number): number => (Math.floor(time / step) + 1) * step;
  for (let time = next(after, HOUR_MS); time <= hour; time += HOUR_MS) times.push(instant(time));
  for (let time = next(Math.max(after, hour), LIVE_MS); time <= now; time += LIVE_MS)
    times.push(instant(time));
  return times;
}

const marks = ({ rainSum, radiationSum, windSum }: Readonly<Weather>, time: number): Marks => ({
  time,
  rain: rainSum,
  radiation: radiationSum,
  wind: windSum,
});

interface SenmlRecord {
  readonly bn?: string;
  readonly bt?: number;
  readonly n: string;
  readonly u: string;
  readonly v: number;
}

const shifted = (weather: Readonly<Weather>, shift: Shift) => ({
  airTemperature: weather.airTemperature + shift("airTemperature"),
  relativeHumidity: Math.max(0, Math.min(100, weather.relativeHumidity + shift("relativeHumidity"))),
});

/** Units of RFC 8428 section 12.1, and mm of RFC 8798. */
function record(
  id: string,
  weather: Pick<Weather, "airTemperature" | "relativeHumidity">,
  from: Marks,
  to: Marks,
): SenmlRecord[] {
  const minutes = Math.max(1, (to.time - from.time) / 60_000);
  const round = (value: number): number => Math.round(value * 10) / 10;
  const tips = Math.floor(to.rain / TIP) - Math.floor(from.rain / TIP);
  return [
    { bn: `${id}/`, bt: to.time / 1_000, n: "airTemperature", u: "Cel", v: round(weather.airTemperature) },
    { n: "relativeHumidity", u: "%RH", v: round(weather.relativeHumidity) },
    { n: "windSpeed", u: "m/s", v: round((to.wind - from.wind) / minutes) },
    { n: "solarIrradiance", u: "W/m2", v: Math.round((to.radiation - from.radiation) / minutes) },
    { n: "rainfall", u: "mm", v: round((tips * TIP) / 1_000) },
  ];
}

function packs(times: readonly Instant[], records: readonly SenmlRecord[][]): WeatherPack[] {
  const made: WeatherPack[] = [];
  for (let i = 0; i < records.length; i += PACK_RECORDS_MAX) {
    const part = records.slice(i, i + PACK_RECORDS_MAX);
    const through = times[i + part.length - 1] ?? instant(0);
    made.push({ through, records: part.length, payload: Buffer.from(JSON.stringify(part.flat())) });
  }
  return made;
}
