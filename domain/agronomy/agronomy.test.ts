import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FarmDay } from "../model/index.ts";
import { dayOfYear, fao56 as fao, referenceEvapotranspiration } from "./index.ts";

type Numbers = Readonly<Record<string, number>>;
interface Vector {
  readonly id: string;
  readonly model: string;
  readonly inputs: Numbers;
  readonly expected: Numbers;
  readonly tolerance: number | Numbers;
}

// Worked examples of FAO-56 with the printed results; each vector names its example.
const { vectors } = JSON.parse(
  readFileSync(new URL("../../test/captures/agronomy.json", import.meta.url), "utf8"),
) as { vectors: Vector[] };

/** Reads inputs by name, so that a misspelt one fails instead of passing as NaN. */
function reader(inputs: Numbers): (name: string) => number {
  return (name) => {
    const value = inputs[name];
    if (value === undefined) throw new Error(`The vector has no input ${name}`);
    return value;
  };
}

type Get = (name: string) => number;
const temperatures = (get: Get) => ({ minimum: get("tmin_C"), maximum: get("tmax_C") });

function sunshine(get: Get) {
  const Ra = fao.extraterrestrialRadiation(get("lat_deg"), get("doy"));
  const N_h = fao.daylightHours(get("lat_deg"), get("doy"));
  return { Ra, N_h, Rs: fao.radiationFromSunshine({ hours: get("n_h"), of: N_h }, Ra) };
}

function whole(day: Omit<FarmDay, "coverage">, get: Get, windSensorHeight: number) {
  const place = {
    latitude: get("lat_deg"),
    elevation: get("elev_m"),
    dayOfYear: get("doy"),
    windSensorHeight,
  };
  const result = referenceEvapotranspiration({ ...day, coverage: 1 }, place);
  if (result.kind === "unknown") throw new Error(result.because);
  return result;
}

/** What the code under test makes of each example, under the names that the vectors use. */
const examples: Readonly<Record<string, (get: Get) => Numbers>> = {
  "fao56-ex02": (get) => {
    const P_kPa = fao.atmosphericPressure(get("elev_m"));
    return { P_kPa, gamma_kPa_C: fao.psychrometricConstant(P_kPa) };
  },
  "fao56-ex03": (get) => ({
    e0_tmax_kPa: fao.saturationVapourPressure(get("tmax_C")),
    e0_tmin_kPa: fao.saturationVapourPressure(get("tmin_C")),
    es_kPa: fao.meanSaturationVapourPressure(get("tmin_C"), get("tmax_C")),
  }),
  "fao56-ex04": (get) => {
    const pressure = fao.atmosphericPressure(get("elev_m"));
    const air = { dry: get("tdry_C"), wet: get("twet_C"), pressure };
    return {
      P_kPa: pressure,
      e0_twet_kPa: fao.saturationVapourPressure(air.wet),
      ea_kPa: fao.vapourPressureFromPsychrometer(air, get("a_psy")),
    };
  },
  "fao56-ex05": (get) => {
    const [air, humidity] = [temperatures(get), { minimum: get("rhmin_pct"), maximum: get("rhmax_pct") }];
    const ea = fao.vapourPressureFromHumidity(air, humidity);
    return {
      e0_tmin_kPa: fao.saturationVapourPressure(air.minimum),
      e0_tmax_kPa: fao.saturationVapourPressure(air.maximum),
      ea_rhmax_rhmin_kPa: ea,
      ea_rhmax_only_kPa: fao.vapourPressureFromHighestHumidity(air.minimum, humidity.maximum),
      ea_rhmean_kPa: fao.vapourPressureFromMeanHumidity(air, (humidity.minimum + humidity.maximum) / 2),
      vpd_kPa: fao.meanSaturationVapourPressure(air.minimum, air.maximum) - ea,
    };
  },
  "fao56-ex08": (get) => {
    const decl_rad = fao.solarDeclination(get("doy"));
    return {
      dr: fao.relativeDistance(get("doy")),
      decl_rad,
      ws_rad: fao.sunsetHourAngle(fao.radians(get("lat_deg")), decl_rad),
      Ra_MJ_m2_d: fao.extraterrestrialRadiation(get("lat_deg"), get("doy")),
    };
  },
  "fao56-ex09": (get) => ({ N_h: fao.daylightHours(get("lat_deg"), get("doy")) }),
  "fao56-ex10": (get) => {
    const { Ra, N_h, Rs } = sunshine(get);
    return { Ra_MJ_m2_d: Ra, N_h, Rs_MJ_m2_d: Rs, "Rso_0.75Ra": fao.clearSkyRadiation(0, Ra) };
  },
  "fao56-ex11": (get) => ({
    Rnl_MJ_m2_d: fao.netLongwaveRadiation(temperatures(get), get("ea_kPa"), {
      solar: get("Rs"),
      clear: get("Rso"),
    }),
  }),
  "fao56-ex12": (get) => {
    const Rns = fao.netShortwaveRadiation(get("Rs"));
    return { Rns, Rn: fao.netRadiation(Rns, get("Rnl")) };
  },
  "fao56-ex13": (get) => {
    const flux = fao.soilHeatFluxOfMonth(get("t_prev_C"), get("t_next_C"));
    return { G_MJ_m2_d: flux, G_mm_d: 0.408 * flux };
  },
  "fao56-ex14": (get) => ({ u2_ms: fao.windAtTwoMetres(get("u_ms"), get("z_m")) }),
  "fao56-ex15": (get) => ({ Rs: fao.radiationFromTemperature(temperatures(get), get("Ra"), get("kRs")) }),
  "fao56-ex17": (get) => {
    const air = temperatures(get);
    const temperatureMean = (air.minimum + air.maximum) / 2;
    const { Ra, N_h, Rs } = sunshine(get);
    const Rso = fao.clearSkyRadiation(get("elev_m"), Ra);
    const Rnl = fao.netLongwaveRadiation(air, get("ea_kPa"), { solar: Rs, clear: Rso });
    const Rn = fao.netRadiation(fao.netShortwaveRadiation(Rs), Rnl);
    const G = fao.soilHeatFluxToMonth(get("t_month_prev_C"), temperatureMean);
    const Delta = fao.slopeOfSaturation(temperatureMean);
    const gamma = fao.psychrometricConstant(fao.atmosphericPressure(get("elev_m")));
    const es_kPa = fao.meanSaturationVapourPressure(air.minimum, air.maximum);
    const ETo_mm_d = fao.penmanMonteith({
      temperatureMean,
      slope: Delta,
      psychrometric: gamma,
      netRadiation: Rn,
      soilHeatFlux: G,
      wind: get("u2_ms"),
      saturation: es_kPa,
      vapourPressure: get("ea_kPa"),
    });
    return { Delta, gamma, es_kPa, Ra, N_h, Rs, Rso, Rnl, Rn, G, ETo_mm_d };
  },
  "fao56-ex18": (get) => {
    const { minimum, maximum } = temperatures(get);
    const day = {
      airTemperatureMin: minimum,
      airTemperatureMax: maximum,
      relativeHumidityMin: get("rhmin_pct"),
      relativeHumidityMax: get("rhmax_pct"),
      windSpeedMean: get("u10_kmh") / 3.6,
      solarRadiation: sunshine(get).Rs,
    };
    const { millimetres, terms, fallbacks } = whole(day, get, 10);
    expect(fallbacks).toEqual([]);
    return {
      u2_ms: terms.wind,
      P_kPa: terms.pressure,
      Delta: terms.slope,
      gamma: terms.psychrometric,
      es_kPa: terms.saturation,
      ea_kPa: terms.vapourPressure,
      Ra: terms.extraterrestrial,
      N_h: terms.daylightHours,
      Rs: terms.solar,
      Rso: terms.clearSky,
      Rnl: terms.netLongwave,
      Rn: terms.netRadiation,
      ETo_mm_d: millimetres,
    };
  },
  "fao56-ex20": (get) => {
    const { minimum, maximum } = temperatures(get);
    const air = { airTemperatureMin: minimum, airTemperatureMax: maximum };
    const { millimetres, terms } = whole(air, get, 2);
    const atWind = (windSpeedMean: number) => whole({ ...air, windSpeedMean }, get, 2).millimetres;
    return {
      Ra: terms.extraterrestrial,
      Rs: terms.solar,
      ea_kPa: terms.vapourPressure,
      Rn: terms.netRadiation,
      ETo_u1: atWind(1),
      ETo_u2: millimetres,
      ETo_u3: atWind(3),
    };
  },
};

function toleranceOf({ id, tolerance }: Vector, name: string): number {
  // Example 18 prints the pressure as 100.1: one decimal, as in Example 2, where half of it is the tolerance.
  if (id === "fao56-ex18" && name === "P_kPa") return 0.05;
  return typeof tolerance === "number" ? tolerance : (tolerance[name] ?? tolerance.default ?? NaN);
}

describe("FAO-56", () => {
  it.each(vectors)("reproduces $id ($model)", (vector) => {
    const computed = examples[vector.id]?.(reader(vector.inputs)) ?? {};
    expect(Object.keys(computed).toSorted()).toEqual(Object.keys(vector.expected).toSorted());
    for (const [name, printed] of Object.entries(vector.expected)) {
      expect(Math.abs((computed[name] ?? NaN) - printed), name).toBeLessThanOrEqual(
        toleranceOf(vector, name),
      );
    }
  });
});

describe("reference evapotranspiration of a farm day", () => {
  const place = { latitude: 45.72, elevation: 200, dayOfYear: 196, windSensorHeight: 2 };
  // The Lyon day of FAO-56 Example 20.
  const lyon = { airTemperatureMin: 14.8, airTemperatureMax: 26.6, coverage: 1 };
  const full = {
    ...lyon,
    relativeHumidityMin: 50,
    relativeHumidityMax: 90,
    windSpeedMean: 2,
    solarRadiation: 22,
  };

  it.each([
    { missing: "nothing", day: full, fallbacks: [] },
    { missing: "wind", day: { ...full, windSpeedMean: undefined }, fallbacks: [/^wind 2 m\/s.*p\. 63/] },
    { missing: "humidity", day: { ...full, relativeHumidityMax: undefined }, fallbacks: [/Eq 48/] },
    {
      missing: "the lowest humidity",
      day: { ...full, relativeHumidityMin: undefined },
      fallbacks: [/Eq 18/],
    },
    { missing: "sun", day: { ...full, solarRadiation: undefined }, fallbacks: [/Eq 50/] },
    { missing: "a believable sun", day: { ...full, solarRadiation: 60 }, fallbacks: [/Eq 50.*Eq 21/] },
    { missing: "all but temperature", day: lyon, fallbacks: [/p\. 63/, /Eq 48/, /Eq 50/] },
  ])("names what stood in when $missing is missing", ({ day, fallbacks }) => {
    const result = referenceEvapotranspiration(withoutAbsent(day), place);
    expect(result).toMatchObject({
      kind: "known",
      fallbacks: fallbacks.map((text): unknown => expect.stringMatching(text)),
    });
  });

  it("does not take the wind of a sensor on the ground", () => {
    const result = referenceEvapotranspiration(full, { ...place, windSensorHeight: 0.05 });
    expect(result).toMatchObject({ kind: "known", fallbacks: [expect.stringMatching(/too low for Eq 47/)] });
  });

  it("takes a measured calm as calm", () => {
    const result = referenceEvapotranspiration({ ...full, windSpeedMean: 0 }, place);
    expect(result).toMatchObject({ kind: "known", fallbacks: [], terms: { wind: 0 } });
  });

  it.each([
    { why: "the highest temperature is missing", day: { ...full, airTemperatureMax: undefined }, at: place },
    { why: "the lowest temperature is missing", day: { ...full, airTemperatureMin: undefined }, at: place },
    { why: "the extremes are swapped", day: { ...full, airTemperatureMin: 30 }, at: place },
    { why: "most of the day was not measured", day: { ...full, coverage: 0.5 }, at: place },
    { why: "it is polar night", day: full, at: { ...place, latitude: 80, dayOfYear: 355 } },
  ])("is unknown when $why", ({ day, at }) => {
    expect(referenceEvapotranspiration(withoutAbsent(day), at)).toEqual({
      kind: "unknown",
      because: expect.stringMatching(/./) as unknown,
    });
  });

  it.each([
    { day: "2026-01-01", number: 1 },
    { day: "2026-07-06", number: 187 }, // FAO-56 Example 18: 6 July is day 187
    { day: "2026-09-03", number: 246 }, // FAO-56 Example 8: 3 September is day 246
    { day: "2024-12-31", number: 366 },
  ])("counts $day as day $number of its year", ({ day, number }) => {
    expect(dayOfYear(day)).toBe(number);
  });
});

/** A row above spells an absent value as undefined, which the type of a farm day rightly refuses. */
function withoutAbsent(day: Record<string, number | undefined>): FarmDay {
  const known = Object.entries(day).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as FarmDay;
}
