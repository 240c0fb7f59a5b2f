import type { Quantity, Sample } from "../../domain/model/index.ts";
import type { Decoded, Problem } from "../driver.ts";
import { scaled, targetName, tidy, type Target } from "../value.ts";

/**
 * OBIS (IEC 62056-61), the one table of the house. A value of a telegram has a code A-B:C.D.E*F; what it is, and on
 * which channel, is decided here for every protocol that speaks OBIS.
 *
 * Tariff registers (1.8.1, 1.8.2, …) are the channels T1, T2, …. The whole (1.8.0) is the value without a channel.
 * Where a meter does not give it, the whole is the sum of its tariffs, and only if all of them could be read; a total
 * that the meter gives is never added to anything.
 *
 * Power has a sign: import is positive. 16.7.0 is taken where it is given, else 1.7.0 − 2.7.0; a phase likewise, from
 * 36/56/76.7.0 or from 21/41/61.7.0 − 22/42/62.7.0. Where a meter gives only one of the two, the other one is 0.
 */
export interface ObisValue {
  /** "1-0:1.8.0*255", "1.8.0": medium and channel may be absent, then electricity is meant. */
  readonly code: string;
  /** Undefined where the device gave no number. */
  readonly value: number | undefined;
  readonly unit: string;
}

export interface ObisCode {
  readonly medium: number;
  readonly group: number;
  readonly type: number;
  readonly tariff: number;
}

const CODE = /^(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*&](\d{1,3}))?$/;
const ELECTRICITY = 1;
/** Value group F: 255 is the present billing period; anything else is history. */
const PRESENT = 255;

/** The parts of a code of the present period, or undefined for anything else. */
export function parseObis(code: string): ObisCode | undefined {
  const [, medium = String(ELECTRICITY), , group, type, tariff, period] = CODE.exec(code) ?? [];
  if (group === undefined || (period !== undefined && Number(period) !== PRESENT)) return undefined;
  return { medium: Number(medium), group: Number(group), type: Number(type), tariff: Number(tariff) };
}

/** Value group D. */
const INSTANT = 7;
const ENERGY = 8;
const MAX_TARIFF = 8;

/** A part of a target: what is imported counts as it is, what is exported is taken off. */
interface Part extends Target {
  readonly part: "whole" | "plus" | "minus";
}

const gauge = (quantity: Quantity, channel?: string): Part => ({
  quantity,
  ...(channel && { channel }),
  part: "whole",
});
const side = (quantity: Quantity, part: "plus" | "minus", channel?: string): Part => ({
  ...gauge(quantity, channel),
  part,
});

/** Groups C of one phase, from the first number of its block of twenty (IEC 62056-61, table 6). */
const instantOf = (first: number, channel?: string): [number, Part][] => [
  [first, side("activePower", "plus", channel)],
  [first + 1, side("activePower", "minus", channel)],
  [first + 2, side("reactivePower", "plus", channel)],
  [first + 3, side("reactivePower", "minus", channel)],
  [first + 8, gauge("apparentPower", channel)],
  [first + 10, gauge("current", channel)],
  [first + 11, gauge("voltage", channel)],
  [first + 12, gauge("powerFactor", channel)],
  [first + 15, gauge("activePower", channel)],
];
const energyOf = (first: number, channel?: string): [number, Part][] => [
  [first, gauge("activeEnergyImport", channel)],
  [first + 1, gauge("activeEnergyExport", channel)],
  [first + 2, gauge("reactiveEnergyImport", channel)],
  [first + 3, gauge("reactiveEnergyExport", channel)],
];
const PHASES: readonly [first: number, channel?: string][] = [[1], [21, "L1"], [41, "L2"], [61, "L3"]];
const INSTANTS = new Map<number, Part>([
  ...PHASES.flatMap(([first, channel]) => instantOf(first, channel)),
  [14, gauge("frequency")],
  [91, gauge("current", "N")],
]);
const ENERGIES = new Map<number, Part>(PHASES.flatMap(([first, channel]) => energyOf(first, channel)));

/** What an electricity code means, or undefined where the house has no word for it. */
export function partOf(code: ObisCode): Part | undefined {
  if (code.medium !== ELECTRICITY) return undefined;
  if (code.type === INSTANT && code.tariff === 0) return INSTANTS.get(code.group);
  if (code.type !== ENERGY || code.tariff > MAX_TARIFF) return undefined;
  const part = ENERGIES.get(code.group);
  if (!part || code.tariff === 0) return part;
  // Tariffs of a single phase are no channel of the house.
  return part.channel === undefined ? { ...part, channel: `T${code.tariff}` } : undefined;
}

/** Units as meters write them, in lower case: the stored unit, and the power of ten to it. */
const UNITS: Readonly<Record<string, readonly [string, number]>> = {
  w: ["W", 1],
  kw: ["W", 1e3],
  mw: ["W", 1e6],
  wh: ["Wh", 1],
  kwh: ["Wh", 1e3],
  mwh: ["Wh", 1e6],
  var: ["var", 1],
  kvar: ["var", 1e3],
  varh: ["varh", 1],
  kvarh: ["varh", 1e3],
  va: ["VA", 1],
  kva: ["VA", 1e3],
  v: ["V", 1],
  kv: ["V", 1e3],
  a: ["A", 1],
  ka: ["A", 1e3],
  hz: ["Hz", 1],
  "": ["1", 1],
};
const STORED: Partial<Record<Quantity, string>> = {
  activePower: "W",
  reactivePower: "var",
  apparentPower: "VA",
  activeEnergyImport: "Wh",
  activeEnergyExport: "Wh",
  reactiveEnergyImport: "varh",
  reactiveEnergyExport: "varh",
  voltage: "V",
  current: "A",
  frequency: "Hz",
  powerFactor: "1",
};

interface Mapped {
  readonly part: Part;
  readonly value: number;
}

type Reading = Mapped | { readonly problem: Problem; readonly part: Part } | undefined;

function read({ code, value, unit }: ObisValue): Reading {
  const parsed = parseObis(code);
  const part = parsed && partOf(parsed);
  if (!part) return undefined;
  if (value === undefined || !Number.isFinite(value))
    return { part, problem: { code: "notANumber", detail: `${code} (${targetName(part)}) is no number` } };
  const known = UNITS[unit.toLowerCase()];
  if (known?.[0] !== STORED[part.quantity]) {
    const what = unit === "" ? "has no unit" : `cannot be given in "${unit}"`;
    return { part, problem: { code: "malformed", detail: `${code} (${targetName(part)}) ${what}` } };
  }
  return { part, value: scaled(value, known?.[1] ?? 1) };
}

/** The samples of a telegram's OBIS values, by the rules at the head of this file. */
export function decodeObis(values: readonly ObisValue[]): Decoded {
  const readings = values.map(read).filter((reading) => reading !== undefined);
  const problems = readings.flatMap((reading) => ("problem" in reading ? [reading.problem] : []));
  const parts = new Map<string, Part>();
  const given = new Map<string, number>();
  const broken = new Set<string>();
  for (const reading of readings) {
    const name = targetName(reading.part);
    parts.set(name, parts.get(name) ?? reading.part);
    const key = `${name} ${reading.part.part}`;
    if ("problem" in reading) broken.add(key);
    // A code that comes twice counts once.
    else if (!given.has(key)) given.set(key, reading.value);
  }
  const samples = [...parts].flatMap(([name, part]): Sample[] => {
    const value = wholeOf(name, given, broken);
    return value === undefined ? [] : [sampleOf(part, value)];
  });
  return { samples: [...samples, ...sums(samples, parts, broken)], problems };
}

const sampleOf = ({ quantity, channel }: Target, value: number): Sample => ({
  quantity,
  value: tidy(value),
  ...(channel !== undefined && { channel }),
});

function wholeOf(
  name: string,
  given: ReadonlyMap<string, number>,
  broken: ReadonlySet<string>,
): number | undefined {
  const whole = given.get(`${name} whole`);
  if (whole !== undefined) return whole;
  if (broken.has(`${name} plus`) || broken.has(`${name} minus`)) return undefined;
  const [plus, minus] = [given.get(`${name} plus`), given.get(`${name} minus`)];
  if (plus === undefined && minus === undefined) return undefined;
  return tidy((plus ?? 0) - (minus ?? 0));
}

const TARIFFED: readonly Quantity[] = [
  "activeEnergyImport",
  "activeEnergyExport",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
];

/** The wholes of those energies that are given by tariff only. */
function sums(
  samples: readonly Sample[],
  parts: ReadonlyMap<string, Part>,
  broken: ReadonlySet<string>,
): Sample[] {
  return TARIFFED.filter((quantity) => !parts.has(quantity)).flatMap((quantity) => {
    const isTariff = (channel: string | undefined) => channel?.startsWith("T") === true;
    const names = [...parts.values()].filter((part) => part.quantity === quantity && isTariff(part.channel));
    if (names.length === 0 || names.some((part) => broken.has(`${targetName(part)} whole`))) return [];
    const tariffs = samples.filter((sample) => sample.quantity === quantity && isTariff(sample.channel));
    return [
      sampleOf(
        { quantity },
        tariffs.reduce((sum, sample) => sum + sample.value, 0),
      ),
    ];
  });
}
