import { describe, expect, it } from "vitest";
import { random } from "./random.ts";
import { newSoil, stepSoil } from "./soil.ts";
import { clearSky, declination, extraterrestrial, inverseDistance } from "./sun.ts";

const MINUTE = 60_000;
/** 3 September, day 246, at 20° south: FAO-56 Examples 8 and 9. */
const day246 = Date.UTC(2026, 8, 3);
const place = { latitude: -20, longitude: 0 };
const minutes = Array.from({ length: 1_440 }, (_, i) => day246 + (i + 0.5) * MINUTE);

describe("the sun stands where FAO-56 says", () => {
  it("has the distance and declination of Example 8", () => {
    expect(inverseDistance(246)).toBeCloseTo(0.985, 3);
    expect(declination(246)).toBeCloseTo(0.12, 2);
  });

  it("gives 32.2 MJ/m² above the air over the day of Example 8", () => {
    const joules = minutes.reduce((sum, time) => sum + extraterrestrial(time, place) * 60, 0);
    expect(joules / 1e6).toBeCloseTo(32.2, 1);
  });

  it("shines for the 11.7 hours of Example 9", () => {
    expect(minutes.filter((time) => extraterrestrial(time, place) > 0).length / 60).toBeCloseTo(11.7, 1);
  });

  it("gives 1037 W/m² under a clear sky when it is overhead (Haurwitz: 1098 e^-0.057)", () => {
    const noons = Array.from({ length: 365 * 24 }, (_, hour) =>
      clearSky(Date.UTC(2026, 0, 1, hour), { latitude: 0, longitude: 0 }),
    );
    expect(Math.max(...noons)).toBeGreaterThan(1_030);
    expect(Math.max(...noons)).toBeLessThanOrEqual(1_037.2);
  });
});

describe("the soil", () => {
  const noon = { airTemperature: 24, atmosphericPressure: 84, solarIrradiance: 800, rain: 0 };

  it("dries under the sun and is wetted by rain, millimetre for millimetre", () => {
    const soil = { ...newSoil(random(1, "soil")), moisture: 0.2 };
    stepSoil(soil, noon);
    expect(soil.moisture).toBeLessThan(0.2);
    const dry = { ...soil, moisture: 0.2 };
    stepSoil(dry, { ...noon, solarIrradiance: 0, rain: 3_000 });
    // 3 mm into 300 mm of soil.
    expect(dry.moisture).toBeCloseTo(0.21, 10);
  });

  it("does not dry below the wilting point", () => {
    const soil = { ...newSoil(random(1, "soil")), moisture: 0.14 };
    stepSoil(soil, noon);
    expect(soil.moisture).toBe(0.14);
  });
});
