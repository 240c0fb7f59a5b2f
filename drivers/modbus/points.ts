import type { ModbusPoint, Table } from "../definition.ts";
import { NOTHING, joined, type Decoded, type Problem } from "../driver.ts";
import { stored, targetName, targetOf } from "../value.ts";
import { bitPattern, numberFrom, WORD_COUNTS } from "./words.ts";

/** A register that was read, or undefined where it was not. */
export type RegisterSource = (table: Table, address: number) => number | undefined;

/** Decodes every point whose registers are there; a point that is half there is a problem, one not there is nothing. */
export const decodePoints = (points: readonly ModbusPoint[], source: RegisterSource): Decoded =>
  joined(points.map((point) => decodePoint(point, source)));

function decodePoint(point: ModbusPoint, source: RegisterSource): Decoded {
  const addresses = Array.from({ length: WORD_COUNTS[point.as] }, (_, index) => point.at + index);
  const words = addresses.map((address) => source(point.table, address)).filter((word) => word !== undefined);
  if (words.length === 0) return NOTHING;
  if (words.length < addresses.length) {
    return problem(
      "missingRegister",
      `${targetName(point)} needs ${addresses.length} registers from ${point.at}`,
    );
  }
  const pattern = bitPattern(words, point.order);
  if (point.sentinels.some((sentinel) => BigInt(sentinel) === pattern)) {
    return problem(
      "sentinel",
      `${targetName(point)}: 0x${pattern.toString(16)} means that there is no value`,
    );
  }
  const value = numberFrom(words, point.as, point.order);
  if (!Number.isFinite(value))
    return problem("notANumber", `${targetName(point)}: 0x${pattern.toString(16)} is not a number`);
  return { samples: [{ ...targetOf(point), value: stored(point, value) }], problems: [] };
}

export const problem = (code: Problem["code"], detail: string): Decoded => ({
  samples: [],
  problems: [{ code, detail }],
});
