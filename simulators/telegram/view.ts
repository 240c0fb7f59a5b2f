/** What the fakes of meter telegrams say: an electricity meter with two tariffs and three phases, at one moment. */
export interface ElectricityView {
  /** Eight digits or more; each protocol takes what fits its own form. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Wh by tariff 1 and 2. */
  readonly imported: readonly [number, number];
  readonly exported: readonly [number, number];
  /** W, negative while the house exports. */
  readonly power: number;
  /** V, of L1 to L3. */
  readonly voltages: readonly [number, number, number];
}

/** A water or gas meter on M-Bus. */
export interface VolumeView {
  readonly serial: string;
  /** Litres. */
  readonly volume: number;
}
