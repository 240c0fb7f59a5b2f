import type { ModbusDialect, ModbusPoint, Table } from "../definition.ts";
import { WORD_COUNTS } from "./words.ts";

/** Points that one request reads. */
export interface Block {
  readonly table: Table;
  readonly at: number;
  readonly count: number;
  readonly points: readonly ModbusPoint[];
}

const TABLES: readonly Table[] = ["input", "holding"];
const endOf = (point: ModbusPoint): number => point.at + WORD_COUNTS[point.as];

/**
 * The fewest requests that read every point: neighbours are merged over at most `maxGap` registers without a point, up
 * to `maxRegisters`, and a value of several registers is never split.
 */
export function planBlocks(dialect: Pick<ModbusDialect, "points" | "maxGap" | "maxRegisters">): Block[] {
  return TABLES.flatMap((table) => {
    const points = dialect.points.filter((point) => point.table === table).sort((a, b) => a.at - b.at);
    const groups: ModbusPoint[][] = [];
    for (const point of points) {
      const group = groups.at(-1);
      if (group && joins(group, point, dialect)) group.push(point);
      else groups.push([point]);
    }
    return groups.map(blockOf);
  });
}

function joins(
  group: readonly ModbusPoint[],
  point: ModbusPoint,
  limits: { maxGap: number; maxRegisters: number },
): boolean {
  const start = group[0]?.at ?? point.at;
  const end = Math.max(...group.map(endOf));
  return point.at - end <= limits.maxGap && Math.max(end, endOf(point)) - start <= limits.maxRegisters;
}

function blockOf(points: readonly ModbusPoint[]): Block {
  const [first] = points;
  if (!first) throw new RangeError("a block needs a point");
  const count = Math.max(...points.map(endOf)) - first.at;
  return { table: first.table, at: first.at, count, points };
}

/** The two halves of a block that the device refused to give in one piece; undefined for a single point. */
export function halves({ points }: Block): readonly [Block, Block] | undefined {
  if (points.length < 2) return undefined;
  const middle = Math.ceil(points.length / 2);
  return [blockOf(points.slice(0, middle)), blockOf(points.slice(middle))];
}
