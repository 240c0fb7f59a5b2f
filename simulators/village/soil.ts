import { psychrometric, saturationSlope } from "./air.ts";
import type { Random } from "./random.ts";

/** One bucket of 0.3 m of a sandy clay loam: dried by evapotranspiration, wetted by rain, drained above capacity. */
export interface Soil {
  /** m³/m³. */
  moisture: number;
  /** °C, at the probe. */
  temperature: number;
  /** µS/cm. */
  conductivity: number;
  ph: number;
}

/** FAO-56 table 19, sandy clay loam to clay loam. */
const WILTING_POINT = 0.14;
const FIELD_CAPACITY = 0.3;
const SATURATED = 0.42;
const DEPTH_MM = 300;
/** Share of the water above field capacity that drains in a minute. */
const DRAINAGE = 0.002;
/** The probe follows the air with a time constant of 6 h. */
const TEMPERATURE_FOLLOWS = 1 / 360;
/** Makkink (1957) with the constant of De Bruin (1987). */
const MAKKINK = 0.65;
/** Latent heat of vaporisation, J/kg, which is J m⁻² mm⁻¹ (FAO-56 p. 4). */
const LATENT_HEAT = 2.45e6;

export function newSoil(dice: Random): Soil {
  const soil = {
    moisture: dice.between(0.22, 0.28),
    temperature: 20,
    conductivity: 0,
    ph: dice.between(5.9, 6.8),
  };
  soil.conductivity = conductivity(soil.moisture);
  return soil;
}

const conductivity = (moisture: number): number => Math.round(40 + 1500 * moisture);

interface Minute {
  readonly airTemperature: number;
  readonly atmosphericPressure: number;
  readonly solarIrradiance: number;
  /** µm of rain in the minute. */
  readonly rain: number;
}

export function stepSoil(
  soil: Soil,
  { airTemperature, atmosphericPressure, solarIrradiance, rain }: Minute,
): void {
  const slope = saturationSlope(airTemperature);
  const potential =
    (MAKKINK * slope * solarIrradiance * 60) / (slope + psychrometric(atmosphericPressure)) / LATENT_HEAT;
  const available = Math.max(
    0,
    Math.min(1, (soil.moisture - WILTING_POINT) / (FIELD_CAPACITY - WILTING_POINT)),
  );
  const drained = Math.max(0, soil.moisture - FIELD_CAPACITY) * DRAINAGE;
  const gained = (rain / 1000 - potential * available) / DEPTH_MM - drained;
  soil.moisture = Math.max(WILTING_POINT, Math.min(SATURATED, soil.moisture + gained));
  soil.temperature += (airTemperature + 1.5 - soil.temperature) * TEMPERATURE_FOLLOWS;
  soil.conductivity = conductivity(soil.moisture);
}
