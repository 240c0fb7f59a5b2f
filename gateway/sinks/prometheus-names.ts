import type { Quantity } from "../../domain/model/index.ts";

/**
 * Names of measured values for Prometheus, in its base units (prometheus.io/docs/practices/naming): joules, not watt
 * hours; ratios, not percent. What is not here has no use as a metric: an amount since the last report, a direction.
 */
export interface MetricName {
  readonly name: string;
  readonly help: string;
  /** From the stored unit to Prometheus' base unit. */
  readonly factor: number;
}

const JOULES = 3_600;
const of = (name: string, help: string, factor = 1): MetricName => ({
  name: `fieldwatt_${name}`,
  help,
  factor,
});

export const METRIC_NAMES: { readonly [Q in Quantity]?: MetricName } = {
  activePower: of("power_watts", "Active power; signs as the device's mounting says"),
  activeEnergyImport: of("energy_import_joules_total", "Register of imported energy", JOULES),
  activeEnergyExport: of("energy_export_joules_total", "Register of exported energy", JOULES),
  voltage: of("voltage_volts", "Voltage"),
  current: of("current_amperes", "Current"),
  frequency: of("frequency_hertz", "Frequency"),
  powerFactor: of("power_factor_ratio", "Power factor"),
  stateOfCharge: of("state_of_charge_ratio", "State of charge of a battery", 0.01),
  airTemperature: of("air_temperature_celsius", "Temperature of the air"),
  relativeHumidity: of("relative_humidity_ratio", "Relative humidity of the air", 0.01),
  atmosphericPressure: of("atmospheric_pressure_pascals", "Pressure of the air", 1_000),
  solarIrradiance: of("solar_irradiance_watts_per_square_meter", "Irradiance of the sun"),
  windSpeed: of("wind_speed_meters_per_second", "Wind speed"),
  soilMoisture: of("soil_moisture_ratio", "Volume of water in a volume of soil"),
  soilTemperature: of("soil_temperature_celsius", "Temperature of the soil"),
  deviceTemperature: of("device_temperature_celsius", "Temperature inside of a device"),
  tankLevel: of("tank_level_meters", "Level of a tank"),
  waterFlow: of("water_flow_cubic_meters_per_second", "Flow of water", 1 / 60_000),
  waterVolume: of("water_volume_cubic_meters_total", "Register of water", 0.001),
  gasVolume: of("gas_volume_cubic_meters_total", "Register of gas"),
};
