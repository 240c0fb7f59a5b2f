import type { MemberId } from "./reading.ts";
import type { Day, Instant } from "./time.ts";

/** Whole watt-hours. A safe integer holds 9 × 10^15 Wh, the world's use of some weeks. */
export type WattHours = number & { readonly __wattHours: unique symbol };
export const wattHours = (wh: number): WattHours => {
  if (!Number.isSafeInteger(wh)) throw new RangeError(`${wh} is not a whole number of watt-hours`);
  return wh as WattHours;
};

/** Where a watt-hour comes from: a register difference, integrated power, or a gap that both ends enclose. */
export type Provenance = "counted" | "integrated" | "filled";

/** Energy of one register over one quarter hour. Unknown intervals do not exist as zero: they do not exist. */
export interface Interval {
  readonly start: Instant;
  readonly energy: WattHours;
  readonly provenance: Provenance;
}

/**
 * A member's quarter hour in the words of the balance; every figure is a whole number of Wh, not negative:
 * import + production + discharge = consumption + export + charge.
 * A figure that no device of the member measures is absent where the sum can be made without it.
 */
export interface EnergyBalance {
  readonly import: WattHours;
  readonly export: WattHours;
  readonly production: WattHours;
  readonly consumption: WattHours;
  readonly charge: WattHours;
  readonly discharge: WattHours;
  readonly selfConsumption: WattHours;
}

/** One member's quarter hour, as it could leave for trading and settlement. */
export interface EnergyIntervalSummary {
  readonly kind: "energyInterval";
  readonly member: MemberId;
  readonly start: Instant;
  readonly balance: EnergyBalance;
  readonly provenance: Provenance;
  /** Late data or an operator took it back: the figures are what was said before, and do not hold. */
  readonly unknown?: true;
}

/** One civil day of a member's weather station or field. Absent means unknown; rain of 0 means a dry gauge. */
export interface FarmDay {
  readonly airTemperatureMin?: number;
  readonly airTemperatureMax?: number;
  readonly relativeHumidityMin?: number;
  readonly relativeHumidityMax?: number;
  /** m/s at the sensor's height. */
  readonly windSpeedMean?: number;
  /** MJ m⁻² d⁻¹. */
  readonly solarRadiation?: number;
  /** mm. */
  readonly rainfall?: number;
  /** m³/m³ at the end of the day. */
  readonly soilMoisture?: number;
  /** Share of the day's hours with at least one value of every quantity above that is present, 0 to 1. */
  readonly coverage: number;
}

export interface FarmDaySummary {
  readonly kind: "farmDay";
  readonly member: MemberId;
  readonly day: Day;
  readonly farm: FarmDay;
  /** Rounded to 0.1° (about 11 km): enough for the sun's height, too coarse for an address. */
  readonly latitude: number;
  readonly elevation: number;
  readonly windSensorHeight: number;
}

/** What could leave. */
export type Summary = EnergyIntervalSummary | FarmDaySummary;
export type SummaryKind = Summary["kind"];
