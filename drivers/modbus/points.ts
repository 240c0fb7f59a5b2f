import type { Instant, Sample } from "../../domain/model/index.ts";
import { NOTHING, joined, type Decoded, type Problem } from "../driver.ts";
import { scaled, stored, targetName, targetOf, tidy } from "../value.ts";
import type { HelperRegister, ModbusPoint, RegisterNumber, Table, Variant } from "./dialect.ts";
import { bitPattern, numberFrom, WORD_COUNTS } from "./words.ts";

/** A register that was read, or undefined where it was not. */
export type RegisterSource = (table: Table, address: number) => number | undefined;

/** Decodes every point whose registers are there; a point that is half there is a problem, one not there is nothing. */
export const decodePoints = (points: readonly ModbusPoint[], source: RegisterSource): Decoded =>
  joined(points.map((point) => decodePoint(point, source)));

/** What one request of a cycle read. */
export interface SpanRead {
  readonly table: Table;
  readonly at: number;
  readonly words: readonly number[];
  readonly time: Instant;
}

/**
 * Decodes what the requests of one cycle read; every sample has the time of the request that read its first register. The
 * registers that a point depends on may come from another request of the cycle.
 */
export function decodeReads(points: readonly ModbusPoint[], reads: readonly SpanRead[]): Decoded {
  const readOf = (table: Table, address: number): SpanRead | undefined =>
    reads.find((read) => read.table === table && address >= read.at && address < read.at + read.words.length);
  const source: RegisterSource = (table, address) => {
    const read = readOf(table, address);
    return read?.words[address - read.at];
  };
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  for (const point of points) {
    const decoded = decodePoint(point, source);
    problems.push(...decoded.problems);
    if (decoded.samples.length === 0) continue;
    const { at } = layoutOf(point, source) ?? point;
    const time = readOf(point.table, at)?.time;
    for (const sample of decoded.samples) samples.push(time === undefined ? sample : { ...sample, time });
  }
  return { samples, problems };
}

/** The addresses of the words of a number, in the order in which they stand for it. */
export const addressesOf = ({
  at,
  as,
  parts,
}: RegisterNumber & Pick<ModbusPoint, "parts">): readonly number[] =>
  parts ?? Array.from({ length: WORD_COUNTS[as] }, (_, index) => at + index);

/** Nothing of a point with one layout was read: most points of most requests. */
function isAbsent({ table, at, as, parts, when }: ModbusPoint, source: RegisterSource): boolean {
  if (when || parts) return false;
  for (let address = at; address < at + WORD_COUNTS[as]; address++)
    if (source(table, address) !== undefined) return false;
  return true;
}

function decodePoint(given: ModbusPoint, source: RegisterSource): Decoded {
  if (isAbsent(given, source)) return NOTHING;
  const point = layoutOf(given, source);
  if (!point) {
    if (addressesOf(given).every((address) => source(given.table, address) === undefined)) return NOTHING;
    return problem(
      "missingRegister",
      `${targetName(given)}: a register that says how to read it is not there`,
    );
  }
  const addresses = addressesOf(point);
  const words = addresses.map((address) => source(point.table, address)).filter((word) => word !== undefined);
  if (words.length === 0) return NOTHING;
  if (words.length < addresses.length) {
    return problem(
      "missingRegister",
      `${targetName(point)} needs ${addresses.length} registers from ${point.at}`,
    );
  }
  return decodeWords(point, words, source);
}

function decodeWords(point: ModbusPoint, words: readonly number[], source: RegisterSource): Decoded {
  const hex = (): string => `0x${bitPattern(words, point.order).toString(16)}`;
  if (isSentinel(point, words))
    return problem("sentinel", `${targetName(point)}: ${hex()} means that there is no value`);
  const value = numberFrom(words, point.as, point.order);
  if (!Number.isFinite(value)) return problem("notANumber", `${targetName(point)}: ${hex()} is not a number`);
  const factor = factorOf(point, source);
  if (typeof factor !== "number") return factor;
  return sampleOf(point, tidy(scaled(value, point.scale) * factor) + (point.offset ?? 0));
}

function isSentinel({ sentinels, order }: ModbusPoint, words: readonly number[]): boolean {
  if (sentinels.length === 0) return false;
  const pattern = bitPattern(words, order);
  return sentinels.some((sentinel) => BigInt(sentinel) === pattern);
}

/** A sample of a number in the point's unit, marked where it cannot be true or was not measured. */
function sampleOf(point: ModbusPoint, number: number): Decoded {
  const value = stored({ ...point, scale: 1 }, tidy(number));
  if (!Number.isFinite(value)) return problem("outOfRange", `${targetName(point)}: ${number} is too large`);
  const { min = -Infinity, max = Infinity } = point.valid ?? {};
  const sample: Sample = { ...targetOf(point), value };
  if (value < min || value > max) {
    const detail = `${targetName(point)}: ${value} is not between ${min} and ${max}`;
    return { samples: [{ ...sample, quality: "implausible" }], problems: [{ code: "outOfRange", detail }] };
  }
  return { samples: [point.notMeasured ? { ...sample, quality: "estimated" } : sample], problems: [] };
}

/** The point in the layout that its registers ask for; undefined where such a register was not read. */
function layoutOf(point: ModbusPoint, source: RegisterSource): ModbusPoint | undefined {
  for (const variant of point.when ?? []) {
    if (!variant.register) continue;
    const value = helperNumber(variant.register, source);
    if (value === undefined) return undefined;
    if (holds(variant, value)) return { ...point, ...variant.change };
  }
  return point;
}

const holds = ({ is, min = -Infinity, max = Infinity }: Variant, value: number): boolean =>
  is ? is.includes(value) : value >= min && value <= max;

function helperNumber(register: HelperRegister, source: RegisterSource): number | undefined {
  const words = addressesOf(register).map((address) => source(register.table, address));
  if (words.some((word) => word === undefined)) return undefined;
  const present = words.filter((word) => word !== undefined);
  const number = scaled(numberFrom(present, register.as, register.order), register.scale);
  return Number.isFinite(number) ? number : undefined;
}

/** Powers of ten beyond this are noise (SunSpec's own limit for scale factors). */
const LARGEST_POWER = 10;

/** What the scale and ratio registers make of the value, or the problem with them. */
function factorOf(point: ModbusPoint, source: RegisterSource): number | Decoded {
  let factor = 1;
  for (const register of [...(point.times ?? []), ...(point.power10 ? [point.power10] : [])]) {
    const value = helperNumber(register, source);
    if (value === undefined)
      return problem(
        "missingRegister",
        `${targetName(point)} is a multiple of ${register.name}, which is not there`,
      );
    const isPower = register === point.power10;
    if (isPower ? !Number.isInteger(value) || Math.abs(value) > LARGEST_POWER : value <= 0)
      return problem("outOfRange", `${targetName(point)}: ${register.name} is ${value}`);
    factor *= isPower ? 10 ** value : value;
  }
  return factor;
}

export const problem = (code: Problem["code"], detail: string): Decoded => ({
  samples: [],
  problems: [{ code, detail }],
});
