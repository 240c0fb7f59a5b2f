import type { ObisValue } from "./obis.ts";

/** One data set of IEC 62056-21, 5.9 and 6.5: an address with its groups, `1-0:1.8.0(000123.4*kWh)(…)`. */
export interface DataSet {
  readonly code: string;
  readonly groups: readonly string[];
}

const SET = /([^()\r\n!/]*)\(([^()]*)\)/g;
const MAX_SETS = 1_000;

/** The data sets of a text. A group without an address belongs to the set before it, also over a line end. */
export function dataSets(text: string): DataSet[] {
  const sets: { code: string; groups: string[] }[] = [];
  for (const [, address = "", group = ""] of text.matchAll(SET)) {
    const code = address.trim();
    if (code === "") sets.at(-1)?.groups.push(group.trim());
    else if (sets.length < MAX_SETS) sets.push({ code, groups: [group.trim()] });
    else break;
  }
  return sets;
}

const NUMBER = /^([+-]?\d{1,15}(?:\.\d{1,12})?)(?:\s*\*\s*([^*]{1,10}))?$/;

/** A group as number and unit, `000123.4*kWh`; undefined where it is no number. */
export function measured(group: string): { value: number; unit: string } | undefined {
  const [, digits, unit = ""] = NUMBER.exec(group) ?? [];
  return digits === undefined ? undefined : { value: Number(digits), unit: unit.trim() };
}

/** A data set as an OBIS value: its first group counts. */
export function obisValue({ code, groups }: DataSet): ObisValue {
  const found = measured(groups[0] ?? "");
  return { code, value: found?.value, unit: found?.unit ?? "" };
}

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
