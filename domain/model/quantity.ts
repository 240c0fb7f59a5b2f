/**
 * The closed table of quantities. Each has ONE stored unit; a driver converts once, at its edge.
 *
 * `kind` says how a value behaves in time: a `gauge` is a state at an instant, a `counter` is a register that
 * only grows (until it rolls over or is reset), an `amount` is what fell or flowed since the last report.
 * OBIS codes are those of IEC 62056-61 (value group A = 1, electricity).
 */
export interface QuantityInfo {
  readonly unit: Unit;
  readonly kind: "gauge" | "counter" | "amount";
  readonly obis?: string;
}

export type Unit =
  | "W"
  | "Wh"
  | "var"
  | "varh"
  | "VA"
  | "V"
  | "A"
  | "Hz"
  | "1"
  | "%"
  | "°C"
  | "mm"
  | "W/m²"
  | "m/s"
  | "°"
  | "m³/m³"
  | "kPa"
  | "µS/cm"
  | "pH"
  | "mg/kg"
  | "m"
  | "l/min"
  | "l"
  | "m³"
  | "lx"
  | "Ah";

export const QUANTITIES = {
  activePower: { unit: "W", kind: "gauge", obis: "1-0:16.7.0" },
  activeEnergyImport: { unit: "Wh", kind: "counter", obis: "1-0:1.8.0" },
  activeEnergyExport: { unit: "Wh", kind: "counter", obis: "1-0:2.8.0" },
  reactivePower: { unit: "var", kind: "gauge", obis: "1-0:131.7.0" },
  reactiveEnergyImport: { unit: "varh", kind: "counter", obis: "1-0:3.8.0" },
  reactiveEnergyExport: { unit: "varh", kind: "counter", obis: "1-0:4.8.0" },
  apparentPower: { unit: "VA", kind: "gauge", obis: "1-0:9.7.0" },
  voltage: { unit: "V", kind: "gauge", obis: "1-0:32.7.0" },
  current: { unit: "A", kind: "gauge", obis: "1-0:31.7.0" },
  frequency: { unit: "Hz", kind: "gauge", obis: "1-0:14.7.0" },
  powerFactor: { unit: "1", kind: "gauge", obis: "1-0:13.7.0" },
  stateOfCharge: { unit: "%", kind: "gauge" },
  electricCharge: { unit: "Ah", kind: "counter" },
  airTemperature: { unit: "°C", kind: "gauge" },
  relativeHumidity: { unit: "%", kind: "gauge" },
  atmosphericPressure: { unit: "kPa", kind: "gauge" },
  vapourPressure: { unit: "kPa", kind: "gauge" },
  illuminance: { unit: "lx", kind: "gauge" },
  rainfall: { unit: "mm", kind: "amount" },
  solarIrradiance: { unit: "W/m²", kind: "gauge" },
  windSpeed: { unit: "m/s", kind: "gauge" },
  windDirection: { unit: "°", kind: "gauge" },
  leafWetness: { unit: "%", kind: "gauge" },
  soilMoisture: { unit: "m³/m³", kind: "gauge" },
  soilWaterPotential: { unit: "kPa", kind: "gauge" },
  soilTemperature: { unit: "°C", kind: "gauge" },
  soilConductivity: { unit: "µS/cm", kind: "gauge" },
  soilPh: { unit: "pH", kind: "gauge" },
  soilNitrogen: { unit: "mg/kg", kind: "gauge" },
  soilPhosphorus: { unit: "mg/kg", kind: "gauge" },
  soilPotassium: { unit: "mg/kg", kind: "gauge" },
  deviceTemperature: { unit: "°C", kind: "gauge" },
  tankLevel: { unit: "m", kind: "gauge" },
  waterFlow: { unit: "l/min", kind: "gauge" },
  waterVolume: { unit: "l", kind: "counter" },
  gasVolume: { unit: "m³", kind: "counter" },
} as const satisfies Record<string, QuantityInfo>;

export type Quantity = keyof typeof QUANTITIES;

export const isQuantity = (name: string): name is Quantity => Object.hasOwn(QUANTITIES, name);

/** The stored unit of a quantity, for example `unitOf("activePower") === "W"`. */
export const unitOf = (quantity: Quantity): Unit => QUANTITIES[quantity].unit;

/**
 * What a device may say, as factor and offset to the stored unit: stored = value × factor + offset.
 * The key is the unit as device files spell it.
 */
const CONVERSIONS: Readonly<Record<string, readonly [Unit, number, number?]>> = {
  kW: ["W", 1e3],
  MW: ["W", 1e6],
  mW: ["W", 1e-3],
  kWh: ["Wh", 1e3],
  MWh: ["Wh", 1e6],
  "W·min": ["Wh", 1 / 60],
  kvar: ["var", 1e3],
  kvarh: ["varh", 1e3],
  kVA: ["VA", 1e3],
  mV: ["V", 1e-3],
  mA: ["A", 1e-3],
  mHz: ["Hz", 1e-3],
  "‰": ["%", 0.1],
  K: ["°C", 1, -273.15],
  "°F": ["°C", 5 / 9, -160 / 9],
  "%VWC": ["m³/m³", 0.01],
  hPa: ["kPa", 0.1],
  Pa: ["kPa", 1e-3],
  cbar: ["kPa", 1],
  "dS/m": ["µS/cm", 1e3],
  "mS/cm": ["µS/cm", 1e3],
  "km/h": ["m/s", 1 / 3.6],
  cm: ["m", 1e-2],
  "mm level": ["m", 1e-3],
  "l/s": ["l/min", 60],
  "m³/h": ["l/min", 1000 / 60],
  "m³": ["l", 1e3],
};

/**
 * The function that turns a device's unit into the stored unit of `quantity`, or undefined where the two do not
 * measure the same thing. A ratio ("1") may also be given in "%".
 */
export function converter(quantity: Quantity, unit: string): ((value: number) => number) | undefined {
  const stored = unitOf(quantity);
  if (unit === stored) return (value) => value;
  if (stored === "1" && unit === "%") return (value) => value / 100;
  const conversion = CONVERSIONS[unit];
  if (conversion?.[0] !== stored) return undefined;
  const [, factor, offset = 0] = conversion;
  // Dividing by a whole number keeps decimal readings tidy: 38 × 0.001 is 0.038000000000000006, 38 / 1000 is not.
  if (factor < 1 && Number.isInteger(1 / factor)) return (value) => value / (1 / factor) + offset;
  return (value) => value * factor + offset;
}
