import type { Registers } from "./dump.ts";
import { numberFrom, ORDERS, WORD_COUNTS, type Order, type WordType } from "./words.ts";
import { scaled } from "../value.ts";
import type { Table } from "./dialect.ts";

/** What a display says: a number as it is written there, and its unit if there was one. */
export interface Display {
  readonly text: string;
  readonly value: number;
  /** One step of the last digit: some displays round, others cut off. */
  readonly tolerance: number;
}

/** A way to read registers that gives what a display says. */
export interface Solution {
  readonly table: Table;
  /** Wire address, 0-based. */
  readonly at: number;
  readonly as: WordType;
  readonly order: Order;
  readonly scale: number;
  readonly value: number;
}

/** Types that meters use, the simplest first: among equals the simplest explanation is named first. */
const TYPES: readonly WordType[] = ["uint16", "int16", "float32", "uint32", "int32", "float64", "int64"];
/** Decimal scales that meters use; 1000 and 0.001 are also the step between W and kW. */
const SCALES = [1, 0.1, 0.01, 0.001, 10, 100, 1000, 0.0001] as const;
/** Words in one dump that are looked at: a whole device and more. */
const MAX_WORDS = 4096;

/** "231.2 V" as a number with the tolerance of its digits; undefined where there is no number. */
export function parseDisplay(text: string): Display | undefined {
  const match = /^\s*([-+−]?)(\d+)(?:[.,](\d+))?/.exec(text);
  if (!match) return undefined;
  const [, sign = "", whole = "", decimals = ""] = match;
  const magnitude = Number(decimals === "" ? whole : `${whole}.${decimals}`);
  const value = sign === "-" || sign === "−" ? -magnitude : magnitude;
  return { text: text.trim(), value, tolerance: 10 ** -decimals.length };
}

/** Every way to read these registers that gives the value, the likeliest first. */
export function solve({ value, tolerance }: Display, registers: Registers): Solution[] {
  const found: Solution[] = [];
  for (const table of ["input", "holding"] as const) {
    const addresses = [...registers[table].keys()].sort((a, b) => a - b).slice(0, MAX_WORDS);
    for (const at of addresses)
      found.push(
        ...readings(registers[table], at).flatMap((one) => explain({ ...one, table, at }, value, tolerance)),
      );
  }
  return found.sort((a, b) => rank(a, value) - rank(b, value) || a.at - b.at);
}

type Reading = Pick<Solution, "as" | "order" | "value">;

function readings(table: ReadonlyMap<number, number>, at: number): Reading[] {
  return TYPES.flatMap((as) => {
    const words = Array.from({ length: WORD_COUNTS[as] }, (_, index) => table.get(at + index));
    if (words.some((word) => word === undefined)) return [];
    const present = words.filter((word) => word !== undefined);
    return ordersOf(as).map((order) => ({ as, order, value: numberFrom(present, as, order) }));
  });
}

/** One register has two orders of its bytes; the order of its words says nothing. */
const ordersOf = (as: WordType): readonly Order[] => (WORD_COUNTS[as] === 1 ? ["ABCD", "BADC"] : ORDERS);

function explain(reading: Omit<Solution, "scale">, value: number, tolerance: number): Solution[] {
  if (!Number.isFinite(reading.value) || reading.value === 0) return [];
  return SCALES.filter((scale) => Math.abs(scaled(reading.value, scale) - value) < tolerance).map(
    (scale) => ({
      ...reading,
      scale,
      value: scaled(reading.value, scale),
    }),
  );
}

/** Lower is likelier: the plain order, a small scale step, the simple type; a float needs no scale; a wide type that is mostly zeros is a smaller one. */
function rank({ as, order, scale, value }: Solution, wanted: number): number {
  const isFloat = as.startsWith("float");
  const scaleCost = Math.abs(Math.log10(scale)) * (isFloat ? 3 : 1);
  const orderCost = { ABCD: 0, CDAB: 1, BADC: 4, DCBA: 4 }[order];
  const signCost = wanted >= 0 && as === "int16" ? 0.5 : 0;
  const away = wanted === 0 ? 0 : Math.abs((value - wanted) / wanted);
  return scaleCost + orderCost + TYPES.indexOf(as) * (isFloat ? 0 : 0.6) + signCost + away;
}

/** Type, order and scale that explain several displays at once, and the displays that each leaves unexplained. */
export interface Layout {
  readonly table: Table;
  readonly as: WordType;
  readonly order: Order;
  readonly explains: number;
}

/** The layouts by how many displays they explain: a meter has one type and one order for most of its values. */
export function commonLayouts(solutions: readonly (readonly Solution[])[]): Layout[] {
  const layouts = new Map<string, Layout>();
  for (const of of solutions) {
    const names = new Map(
      of.map(({ table, as, order }) => [`${table} ${as} ${order}`, { table, as, order }]),
    );
    for (const [name, layout] of names)
      layouts.set(name, { ...layout, explains: (layouts.get(name)?.explains ?? 0) + 1 });
  }
  return [...layouts.values()].sort((a, b) => b.explains - a.explains);
}
