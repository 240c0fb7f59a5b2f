import { describe, expect, it } from "vitest";
import { HOUR_MS, instant } from "../../domain/model/index.ts";
import { walkWeather } from "../village/weather.ts";
import { BACKLOG_MS, openWeatherLogger, recordTimes, type WeatherPack } from "./weather-logger.ts";

/** April, in the long rains. */
const commissioned = instant(Date.UTC(2026, 3, 10));
const options = { id: "ws", seed: 5, commissioned };
const now = instant(commissioned + 2 * HOUR_MS + 17 * 60_000);

interface Entry {
  readonly bt?: number;
  readonly n: string;
  readonly v: number;
}
const entries = (packs: readonly WeatherPack[]): Entry[] =>
  packs.flatMap((pack) => JSON.parse(Buffer.from(pack.payload).toString()) as Entry[]);
const rain = (packs: readonly WeatherPack[]): number =>
  entries(packs).reduce((sum, { n, v }) => sum + (n === "rainfall" ? v : 0), 0);

describe("a logger's records", () => {
  it("are hourly up to the hour that runs, and every five minutes in it", () => {
    expect(recordTimes(now - 2 * HOUR_MS, now).map((time) => (now - time) / 60_000)).toEqual([
      77, 17, 12, 7, 2,
    ]);
  });

  it("of the first hand-over are 48 hours, in packs of at most 12, with absolute times that grow", () => {
    const packs = openWeatherLogger(options).due(now);
    expect(packs.slice(0, 4).map((pack) => pack.records)).toEqual([12, 12, 12, 12]);
    const times = entries(packs).flatMap(({ bt }) => bt ?? []);
    expect(times).toHaveLength(48 + 3);
    expect(times[0]).toBe((commissioned + 3 * HOUR_MS - BACKLOG_MS) / 1_000);
    expect(times.at(-1)).toBe((now - 2 * 60_000) / 1_000);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it("come once: nothing new until the next is due", () => {
    const logger = openWeatherLogger(options);
    logger.due(now);
    expect(logger.due(now)).toEqual([]);
    expect(logger.due(instant(now + 3 * 60_000))).toHaveLength(1);
  });

  it("are as far off as a fault says, while it lasts, in the air alone", () => {
    let off = 0;
    const shift = (quantity: string) => (quantity === "airTemperature" ? off : 0);
    const [right, shifted] = [openWeatherLogger(options), openWeatherLogger({ ...options, shift })];
    const next = (time: number) => {
      const [truth, told] = [right, shifted].map((logger) => entries(logger.due(instant(time))));
      return truth?.map(({ n, v }, i) => [n, Math.round(((told?.[i]?.v ?? NaN) - v) * 10) / 10]);
    };
    next(now);
    off = -20;
    const changed = next(now + 5 * 60_000)?.filter(([, by]) => by !== 0);
    expect(changed).toEqual([["airTemperature", -20]]);
    off = 0;
    expect(next(now + 10 * 60_000)?.filter(([, by]) => by !== 0)).toEqual([]);
  });

  it("have every tip of the rain once, over hand-overs and a restart of the logger", () => {
    const end = instant(commissioned + 10 * 24 * HOUR_MS);
    const first = openWeatherLogger(options);
    let sum = rain(first.due(now));
    let through = first.due(now).at(-1)?.through ?? instant(now - 2 * 60_000);
    for (let time = now; time < end; time = instant(time + 40 * HOUR_MS)) {
      const packs = openWeatherLogger({ ...options, through }).due(time);
      sum += rain(packs);
      through = packs.at(-1)?.through ?? through;
    }
    const walk = walkWeather(options.seed, commissioned);
    const start = walk.advanceTo(now - BACKLOG_MS).rainSum;
    const fallen = walk.advanceTo(through).rainSum;
    expect(fallen - start).toBeGreaterThan(5_000);
    expect(Math.round(sum * 1_000)).toBe((Math.floor(fallen / 200) - Math.floor(start / 200)) * 200);
  });
});
