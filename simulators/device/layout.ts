import { data, list, number, text, type Data, type Sheet } from "./sheet.ts";

/**
 * What a device file says of its layout beyond plain points: registers that other points depend on (firmware,
 * transformer ratios, powers of ten), variants of a point, and addresses that nobody may read.
 */
export interface Layout {
  /** Raw number of a register that the file names. */
  raw(name: string): number;
  /** The named registers, with what the fake holds in them. */
  readonly named: readonly { readonly register: Data; readonly raw: number }[];
  /** The point as this device has it: its variants that apply are in it. */
  variantOf(point: Data): Data;
  /** What `power10` and `times` make of the point's raw number. */
  factorOf(point: Data): number;
  isForbidden(address: number): boolean;
}

export function layoutOf(sheet: Sheet): Layout {
  const registers = data(sheet.data.registers);
  const raws = new Map(
    Object.entries(registers).map(([name, register]) => [name, rawOf(sheet, name, data(register))]),
  );
  const raw = (name: string): number => raws.get(name) ?? 0;
  const scaled = (name: string): number => raw(name) * number(data(registers[name]).scale, 1);
  return {
    raw,
    named: [...raws].map(([name, value]) => ({ register: data(registers[name]), raw: value })),
    variantOf: (point) => applyVariants(point, scaled),
    factorOf: ({ power10, times }) =>
      list(times).reduce<number>((product, name) => product * scaled(text(name)), 1) *
      (typeof power10 === "string" ? 10 ** scaled(power10) : 1),
    isForbidden: forbiddenIn(list(data(sheet.data.modbus).forbidden)),
  };
}

/** What a test of the file holds in the register; else a ratio of 1, a power of 0, the oldest firmware. */
function rawOf(sheet: Sheet, name: string, register: Data): number {
  const tested = testedWord(sheet, number(register.at));
  if (tested !== undefined)
    return text(register.as) === "int16" && tested >= 0x8000 ? tested - 0x1_0000 : tested;
  const isRatio = Object.values(data(sheet.data.points)).some((point) =>
    list(data(point).times).includes(name),
  );
  return isRatio ? Math.round(1 / number(register.scale, 1)) : 0;
}

/** The word at an address in the first test that holds it. Only registers of one word are looked up. */
function testedWord(sheet: Sheet, address: number): number | undefined {
  for (const test of list(sheet.data.tests)) {
    for (const [start, row] of Object.entries(data(data(test).registers))) {
      const hex = text(row)
        .replace(/\s+/g, "")
        .slice((address - Number(start)) * 4);
      if (address >= Number(start) && hex.length >= 4) return Number.parseInt(hex.slice(0, 4), 16);
    }
  }
  return undefined;
}

function applyVariants(point: Data, scaled: (name: string) => number): Data {
  const fitting = list(point.when)
    .map(data)
    .filter((variant) => typeof variant.register === "string" && fits(variant, scaled(variant.register)));
  return Object.assign({}, point, ...fitting) as Data;
}

function fits({ is, min, max }: Data, value: number): boolean {
  const named = is === undefined ? [value] : Array.isArray(is) ? is : [is];
  return named.includes(value) && value >= number(min, -Infinity) && value <= number(max, Infinity);
}

function forbiddenIn(ranges: readonly unknown[]): (address: number) => boolean {
  const spans = ranges.map((range) =>
    Array.isArray(range) ? [number(range[0]), number(range[1])] : [number(range), number(range)],
  );
  return (address) => spans.some(([first = 0, last = 0]) => address >= first && address <= last);
}
