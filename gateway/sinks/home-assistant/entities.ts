import { QUANTITIES, unitOf, type Quantity } from "../../../domain/model/index.ts";

/**
 * How Home Assistant names what we measure: device class, state class and unit as its sensor integration allows them
 * together (developers.home-assistant.io/docs/core/entity/sensor). Where it has no class that fits, the value goes
 * without one. A register is `total_increasing`, so that Home Assistant takes a rollover for what it is.
 */
export interface Entity {
  readonly name: string;
  readonly deviceClass?: string;
  readonly stateClass?: "measurement" | "total_increasing";
  readonly unit?: string;
  /** From the stored unit to Home Assistant's; 1 where absent. */
  readonly factor?: number;
}

type Special = Pick<Entity, "deviceClass" | "unit" | "factor"> & { readonly stateClass?: "none" };

const SPECIAL: { readonly [Q in Quantity]?: Special } = {
  activePower: { deviceClass: "power" },
  activeEnergyImport: { deviceClass: "energy" },
  activeEnergyExport: { deviceClass: "energy" },
  reactivePower: { deviceClass: "reactive_power" },
  apparentPower: { deviceClass: "apparent_power" },
  voltage: { deviceClass: "voltage" },
  current: { deviceClass: "current" },
  frequency: { deviceClass: "frequency" },
  powerFactor: { deviceClass: "power_factor" },
  stateOfCharge: { deviceClass: "battery" },
  airTemperature: { deviceClass: "temperature" },
  soilTemperature: { deviceClass: "temperature" },
  deviceTemperature: { deviceClass: "temperature" },
  relativeHumidity: { deviceClass: "humidity" },
  atmosphericPressure: { deviceClass: "atmospheric_pressure" },
  vapourPressure: { deviceClass: "pressure" },
  soilWaterPotential: { deviceClass: "pressure" },
  illuminance: { deviceClass: "illuminance" },
  rainfall: { deviceClass: "precipitation" },
  solarIrradiance: { deviceClass: "irradiance" },
  windSpeed: { deviceClass: "wind_speed" },
  // A mean of angles means nothing, and older versions know no class for a direction.
  windDirection: { stateClass: "none" },
  leafWetness: { deviceClass: "moisture" },
  soilMoisture: { deviceClass: "moisture", unit: "%", factor: 100 },
  soilConductivity: { deviceClass: "conductivity" },
  soilPh: { deviceClass: "ph" },
  tankLevel: { deviceClass: "distance" },
  waterFlow: { deviceClass: "volume_flow_rate", unit: "L/min" },
  waterVolume: { deviceClass: "water", unit: "L" },
  gasVolume: { deviceClass: "gas" },
};
/** Units of ours that Home Assistant writes as none. */
const UNITLESS: readonly string[] = ["1", "pH"];

export function entityOf(quantity: Quantity, channel: string): Entity {
  const { deviceClass, factor, stateClass, unit = unitOf(quantity) }: Special = SPECIAL[quantity] ?? {};
  const counts = QUANTITIES[quantity].kind === "counter";
  return {
    name: nameOf(quantity, channel),
    ...(deviceClass !== undefined && { deviceClass }),
    ...(stateClass === undefined && { stateClass: counts ? "total_increasing" : "measurement" }),
    ...(!UNITLESS.includes(unit) && { unit }),
    ...(factor !== undefined && { factor }),
  };
}

/** "activeEnergyImport", "L1" → "Active energy import L1". */
function nameOf(quantity: Quantity, channel: string): string {
  const words = quantity.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${channel === "" ? "" : ` ${channel}`}`;
}
