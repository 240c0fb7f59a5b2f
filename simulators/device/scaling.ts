import { converter, isQuantity } from "../../domain/model/index.ts";
import { number, text, type Data } from "./sheet.ts";

/** The way from a stored value back to the number that a device puts into its register, and forth again. */
export interface Scaling {
  /** The device's number for a stored value. */
  toDevice(value: number): number;
  /** The stored value of a device's number. */
  toStored(raw: number): number;
}

/** A power factor in percent or as a ratio: the fakes give a ratio. */
const RATIO = "ratio or %";

/**
 * Turns `unit`, `scale` and `offset` of a point round: stored = convert(raw × scale + offset). Conversions are straight lines, so two
 * points of one tell it all. Undefined where quantity and unit do not fit.
 */
export function scalingOf(target: string, point: Data): Scaling | undefined {
  const [quantity = ""] = target.split(".");
  if (!isQuantity(quantity)) return undefined;
  const unit = text(point.unit);
  const convert = unit === RATIO ? (value: number) => value : converter(quantity, unit);
  if (!convert) return undefined;
  const [scale, added] = [number(point.scale, 1), number(point.offset)];
  const offset = convert(0);
  const factor = convert(1) - offset;
  return {
    toDevice: (value) => ((value - offset) / factor - added) / scale,
    toStored: (raw) => convert(raw * scale + added),
  };
}
