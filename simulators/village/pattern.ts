/**
 * How the houses of the village are fitted. The pattern repeats every twelve houses, so that a larger village is the
 * smaller one and more of the same, and house number 5 is the same house in both.
 */
export interface Fitting {
  /** The one meter at the grid connection. */
  readonly grid: "sdm630" | "sdm120" | "pzem" | "tasmota" | "shelly";
  /** Panels, by what measures them: a SunSpec inverter, a meter of their own, or a charge controller with a battery. */
  readonly solar?: "inverter" | "meter" | "controller";
  readonly weatherStation?: true;
  readonly soilProbe?: true;
}

/** Meters that count one direction only hang in houses without feed-in. */
export const PATTERN: readonly Fitting[] = [
  { grid: "sdm630", solar: "inverter", weatherStation: true, soilProbe: true },
  { grid: "sdm120", solar: "meter" },
  { grid: "tasmota" },
  { grid: "shelly" },
  { grid: "sdm630", solar: "inverter" },
  { grid: "sdm120" },
  { grid: "pzem", solar: "controller" },
  { grid: "sdm120", solar: "meter" },
  { grid: "tasmota" },
  { grid: "sdm630", solar: "inverter" },
  { grid: "shelly" },
  { grid: "sdm120", solar: "meter" },
];

/** @param index 0 for the first household */
export function fittingOf(index: number): Fitting {
  const fitting = PATTERN[index % PATTERN.length];
  if (!fitting) throw new RangeError(`There is no household ${index}`);
  return fitting;
}
