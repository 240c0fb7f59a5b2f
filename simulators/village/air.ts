/** Formulas of the air, from FAO Irrigation and Drainage Paper 56 (Allen et al. 1998). */

/** Saturation vapour pressure, kPa (eq. 11). */
export const saturation = (celsius: number): number =>
  0.6108 * Math.exp((17.27 * celsius) / (celsius + 237.3));

/** Slope of the saturation curve, kPa/°C (eq. 13). */
export const saturationSlope = (celsius: number): number =>
  (4098 * saturation(celsius)) / (celsius + 237.3) ** 2;

/** Pressure at a height, kPa (eq. 7). */
export const pressureAt = (elevation: number): number => 101.3 * ((293 - 0.0065 * elevation) / 293) ** 5.26;

/** Psychrometric constant, kPa/°C (eq. 8). */
export const psychrometric = (pressure: number): number => 0.000665 * pressure;
