/** What a VIF measures: a physical quantity in its SI unit or the usual one, and the power of ten to it. */
export type Measure =
  | "energy"
  | "heat"
  | "power"
  | "volume"
  | "flow"
  | "flowTemperature"
  | "returnTemperature"
  | "temperatureDifference"
  | "externalTemperature"
  | "pressure"
  | "humidity"
  | "voltage"
  | "current"
  | "frequency"
  | "reactiveEnergy"
  | "reactivePower"
  | "apparentPower"
  | "date"
  | "dateTime"
  | "identification"
  | "dimensionless";

export interface VifMeaning {
  readonly measure: Measure;
  readonly unit: string;
  readonly exponent: number;
}

type Row = readonly [first: number, last: number, measure: Measure, unit: string, exponentOfFirst: number];

/** EN 13757-3, tables 10 (primary), 12 (FB) and 11 (FD). The exponent grows by one from each code to the next. */
const ROWS: readonly Row[] = [
  [0x00, 0x07, "energy", "Wh", -3],
  [0x08, 0x0f, "heat", "J", 0],
  [0x10, 0x17, "volume", "m³", -6],
  [0x28, 0x2f, "power", "W", -3],
  [0x38, 0x3f, "flow", "m³/h", -6],
  [0x40, 0x47, "flow", "m³/min", -7],
  [0x48, 0x4f, "flow", "m³/s", -9],
  [0x58, 0x5b, "flowTemperature", "°C", -3],
  [0x5c, 0x5f, "returnTemperature", "°C", -3],
  [0x60, 0x63, "temperatureDifference", "K", -3],
  [0x64, 0x67, "externalTemperature", "°C", -3],
  [0x68, 0x6b, "pressure", "bar", -3],
  [0x6c, 0x6c, "date", "", 0],
  [0x6d, 0x6d, "dateTime", "", 0],
  [0x78, 0x79, "identification", "", 0],
  [0xfd3a, 0xfd3a, "dimensionless", "", 0],
  [0xfd40, 0xfd4f, "voltage", "V", -9],
  [0xfd50, 0xfd5f, "current", "A", -12],
  [0xfb00, 0xfb01, "energy", "Wh", 5],
  [0xfb02, 0xfb03, "reactiveEnergy", "varh", 3],
  [0xfb08, 0xfb09, "heat", "J", 8],
  [0xfb10, 0xfb11, "volume", "m³", 2],
  [0xfb14, 0xfb17, "reactivePower", "var", 0],
  [0xfb1a, 0xfb1b, "humidity", "%", -1],
  [0xfb28, 0xfb29, "power", "W", 5],
  [0xfb2c, 0xfb2f, "frequency", "Hz", -3],
  [0xfb34, 0xfb37, "apparentPower", "VA", 0],
];

export function meaningOf(vif: number, text: string | undefined): VifMeaning | undefined {
  if (text === "%RH") return { measure: "humidity", unit: "%", exponent: 0 };
  const row = ROWS.find(([first, last]) => vif >= first && vif <= last);
  return row && { measure: row[2], unit: row[3], exponent: row[4] + vif - row[0] };
}

/**
 * What the VIFEs of a record do to its value (EN 13757-3, table 15): a power of ten, a backward count, an error that
 * the meter reports; undefined where one of them is unknown here and may change the meaning.
 */
export function qualifiersOf(
  vifes: readonly number[],
): { exponent: number; backward: boolean; error: boolean } | undefined {
  let [exponent, backward, error] = [0, false, false];
  for (const vife of vifes) {
    if (vife === 0x00 || vife === 0x3b) continue;
    if (vife <= 0x1f) error = true;
    else if (vife >= 0x70 && vife <= 0x77) exponent += vife - 0x76;
    else if (vife === 0x7d) exponent += 3;
    else if (vife === 0x3c) backward = true;
    else return undefined;
  }
  return { exponent, backward, error };
}

/** Device types (EN 13757-3, table 3). */
const MEDIA: Readonly<Record<number, string>> = {
  0x00: "Other",
  0x01: "Oil",
  0x02: "Electricity",
  0x03: "Gas",
  0x04: "Heat (outlet)",
  0x05: "Steam",
  0x06: "Warm water",
  0x07: "Water",
  0x08: "Heat cost allocator",
  0x09: "Compressed air",
  0x0a: "Cooling (outlet)",
  0x0b: "Cooling (inlet)",
  0x0c: "Heat (inlet)",
  0x0d: "Heat and cooling",
  0x0e: "Bus or system",
  0x0f: "Unknown",
  0x15: "Hot water",
  0x16: "Cold water",
  0x17: "Dual water",
  0x18: "Pressure",
  0x19: "A/D converter",
  0x1b: "Room sensor",
  0x28: "Waste water",
};
export const mediumName = (medium: number): string => MEDIA[medium] ?? `0x${medium.toString(16)}`;
export const isWater = (medium: number): boolean => [0x06, 0x07, 0x15, 0x16, 0x17, 0x28].includes(medium);
export const isGas = (medium: number): boolean => medium === 0x03;
export const isElectricity = (medium: number): boolean => medium === 0x02;
