import type { Sample } from "../../domain/model/index.ts";
import { decimalOf } from "./mbus-records.ts";
import { isElectricity, isGas, isWater, mediumName } from "./mbus-units.ts";
import { withProblem, type DecodedTelegram } from "./telegram.ts";

/**
 * The fixed data structure of old meters (EN 1434-3, "The M-Bus: a documentation", 6.2): two counters of four bytes,
 * whose medium and units share two bytes. The second counter is nearly always a stored value: it stays a record.
 */
const LENGTH = 16;
const BINARY = 0x01;
const STORED = 0x02;

export function fixedData(data: Uint8Array, highFirst: boolean, address: number): DecodedTelegram {
  if (data.length !== LENGTH) return withProblem("malformed", `${data.length} bytes are no fixed data`);
  const field = (from: number, to: number): Uint8Array =>
    highFirst ? data.subarray(from, to).toReversed() : data.subarray(from, to);
  const [, , , , , status = 0, first = 0, second = 0] = data;
  const medium = ((second >> 4) & 0x0c) | (first >> 6);
  const about = {
    id: Buffer.from(field(0, 4).toReversed()).toString("hex"),
    medium: mediumName(medium),
    status,
    address,
  };
  const value = counterOf(field(8, 12), status);
  const unit = unitOf(first & 0x3f);
  const [name, scale] = unit ?? ["", 1];
  const records = value === undefined ? [] : [{ name: "counter 1", value: value * scale, unit: name }];
  if (value === undefined)
    return {
      ...withProblem("notANumber", "counter 1 is no decimal number"),
      about,
      records,
    };
  const samples = status & STORED ? [] : sampleOf(medium, name, value * scale);
  return { samples, problems: [], about, records };
}

function counterOf(bytes: Uint8Array, status: number): number | undefined {
  if (status & BINARY) return Buffer.from(bytes).readInt32LE();
  const decimal = decimalOf(bytes);
  return decimal.kind === "number" ? decimal.value : undefined;
}

/** Codes of the table of units: 02 is Wh, 14 is W, 29 is litre; each next code is ten times as much. */
const UNITS: readonly (readonly [first: number, last: number, unit: string])[] = [
  [0x02, 0x0a, "Wh"],
  [0x14, 0x1c, "W"],
  [0x29, 0x31, "l"],
];

function unitOf(code: number): readonly [string, number] | undefined {
  const row = UNITS.find(([first, last]) => code >= first && code <= last);
  return row && [row[2], 10 ** (code - row[0])];
}

function sampleOf(medium: number, unit: string, value: number): Sample[] {
  if (unit === "l" && isWater(medium)) return [{ quantity: "waterVolume", value }];
  if (unit === "l" && isGas(medium)) return [{ quantity: "gasVolume", value: value / 1_000 }];
  if (unit === "Wh" && isElectricity(medium)) return [{ quantity: "activeEnergyImport", value }];
  if (unit === "W" && isElectricity(medium)) return [{ quantity: "activePower", value }];
  return [];
}
