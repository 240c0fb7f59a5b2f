import type { HelperRegister, ModbusDialect, ModbusPoint, Table } from "./dialect.ts";
import { addressesOf } from "./points.ts";

/** Registers that one request reads. */
export interface Block {
  readonly table: Table;
  readonly at: number;
  readonly count: number;
  /** The points whose value lies in it. */
  readonly points: readonly ModbusPoint[];
  /** What must not be taken apart. */
  readonly items: readonly Item[];
}

/** Registers that only make sense together: one value, an atomic group, a register that points depend on. */
interface Item {
  readonly table: Table;
  readonly first: number;
  readonly last: number;
  readonly points: readonly ModbusPoint[];
}

type Limits = Pick<ModbusDialect, "maxGap" | "maxRegisters"> & Partial<Pick<ModbusDialect, "forbidden">>;

const TABLES: readonly Table[] = ["input", "holding"];

/**
 * The fewest requests that read every point and the registers that points depend on: neighbours are merged over at most
 * `maxGap` registers without a point, up to `maxRegisters`. A value of several registers and an atomic group are never
 * split, and a forbidden address is never read.
 */
export function planBlocks({ points, ...limits }: Pick<ModbusDialect, "points"> & Limits): Block[] {
  const items = itemsOf(points, limits);
  return TABLES.flatMap((table) => {
    const sorted = items.filter((item) => item.table === table).sort((a, b) => a.first - b.first);
    const groups: Item[][] = [];
    for (const item of sorted) {
      const group = groups.at(-1);
      if (group && joins(group, item, limits)) group.push(item);
      else groups.push([item]);
    }
    return groups.map(blockOf);
  });
}

function itemsOf(points: readonly ModbusPoint[], limits: Limits): Item[] {
  const groups = new Map<string, Item>();
  const single: Item[] = [];
  for (const point of points) {
    const [own, ...others] = spansOf(point, limits);
    if (own && point.atomic !== undefined) {
      const name = `${point.table} ${point.atomic}`;
      groups.set(name, [...others, own].reduce(together, groups.get(name) ?? own));
    } else if (own) single.push(own, ...others);
  }
  return [...single, ...groups.values(), ...helpersOf(points).map(helperItem)];
}

const together = (a: Item, b: Item): Item => ({
  table: a.table,
  first: Math.min(a.first, b.first),
  last: Math.max(a.last, b.last),
  points: [...new Set([...a.points, ...b.points])],
});

/** The spans of a point, the first with the point itself: its registers, and those of its other layouts. */
function spansOf(point: ModbusPoint, limits: Limits): Item[] {
  const layouts = [point, ...(point.when ?? []).map(({ change }) => ({ ...point, ...change }))];
  const spans = layouts.flatMap((layout) => {
    const item = itemAt(point.table, addressesOf(layout));
    if (!layout.parts || fits(item, limits)) return [item];
    return layout.parts.map((address) => itemAt(point.table, [address]));
  });
  const distinct = [...new Map(spans.map((span) => [`${span.first} ${span.last}`, span])).values()];
  return distinct.map((span, index) => (index === 0 ? { ...span, points: [point] } : span));
}

const itemAt = (table: Table, addresses: readonly number[]): Item => ({
  table,
  first: Math.min(...addresses),
  last: Math.max(...addresses),
  points: [],
});

const helperItem = (register: HelperRegister): Item => itemAt(register.table, addressesOf(register));

/** Every register that a point depends on, once. */
export function helpersOf(points: readonly ModbusPoint[]): HelperRegister[] {
  const helpers = points.flatMap(({ power10, times = [], when = [] }) => [
    ...(power10 ? [power10] : []),
    ...times,
    ...when.flatMap(({ register }) => (register ? [register] : [])),
  ]);
  return [
    ...new Map(
      helpers.map((register) => [`${register.table} ${register.at} ${register.as}`, register]),
    ).values(),
  ];
}

const crosses = (first: number, last: number, { forbidden = [] }: Limits): boolean =>
  forbidden.some(([from, to]) => first <= to && last >= from);

const fits = ({ first, last }: Item, limits: Limits): boolean =>
  last - first + 1 <= limits.maxRegisters && !crosses(first, last, limits);

function joins(group: readonly Item[], item: Item, limits: Limits): boolean {
  const first = group[0]?.first ?? item.first;
  const last = Math.max(...group.map((one) => one.last));
  return (
    item.first - last - 1 <= limits.maxGap &&
    fits({ ...item, first, last: Math.max(last, item.last) }, limits)
  );
}

function blockOf(items: readonly Item[]): Block {
  const [one] = items;
  if (!one) throw new RangeError("a block needs something to read");
  const at = Math.min(...items.map((item) => item.first));
  const count = Math.max(...items.map((item) => item.last)) + 1 - at;
  return { table: one.table, at, count, points: items.flatMap((item) => item.points), items };
}

/** The two halves of a block that the device refused to give in one piece; undefined where it is one piece. */
export function halves({ items }: Block): readonly [Block, Block] | undefined {
  if (items.length < 2) return undefined;
  const middle = Math.ceil(items.length / 2);
  return [blockOf(items.slice(0, middle)), blockOf(items.slice(middle))];
}
