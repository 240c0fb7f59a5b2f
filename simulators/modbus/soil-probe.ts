import { int16, table, uint16, type RegisterTables } from "./registers.ts";

export interface SoilView {
  /** m³/m³. */
  readonly moisture: number;
  /** °C. */
  readonly temperature: number;
  /** µS/cm. */
  readonly conductivity: number;
  readonly ph: number;
}

/** ZTS-3000-TR-WS-N01, maker's manual, holding registers 0 to 3: moisture % ×10, °C ×10, µS/cm, pH ×10. */
export function zts3000({ moisture, temperature, conductivity, ph }: SoilView): RegisterTables {
  const values = {
    0: uint16(moisture * 1_000),
    1: int16(temperature * 10),
    2: uint16(conductivity),
    3: uint16(ph * 10),
  };
  return { holding: table({ start: 0, length: 4 }, values) };
}
