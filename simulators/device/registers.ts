import { layoutOf, type Layout } from "./layout.ts";
import type { Measure, Measured } from "./measured.ts";
import { scalingOf } from "./scaling.ts";
import { data, list, number, text, type Data, type Sheet } from "./sheet.ts";
import { draftTables, isFloat, nearest, put, wordCount, wordsFor, type DraftTables } from "./words.ts";

/** Registers between two points that a device answers with zeros. */
const FILLED_GAP_MAX = 125;

/** The registers of a device with a `modbus` section. */
export function plainRegisters(sheet: Sheet, measure: Measure): Measured {
  const settings = data(sheet.data.modbus);
  const tables = draftTables();
  const layout = layoutOf(sheet);
  const values = new Map<string, number>();
  for (const { register, raw } of layout.named)
    putNumber({ settings, tables }, { as: "uint16", ...register }, raw);
  for (const [target, point] of Object.entries(data(sheet.data.points))) {
    const value = encodePoint(target, layout.variantOf(data(point)), { settings, tables, layout, measure });
    if (value !== undefined) values.set(target, value);
  }
  for (const registers of [tables.input, tables.holding]) fillGaps(registers, layout);
  return { registers: tables, values };
}

interface Place {
  readonly settings: Data;
  readonly tables: DraftTables;
}

interface Encoding extends Place {
  readonly layout: Layout;
  readonly measure: Measure;
}

/** Writes one point, and returns the stored value that is then in its registers. */
function encodePoint(target: string, point: Data, encoding: Encoding): number | undefined {
  const as = text(point.as);
  const scaling = scalingOf(target, point);
  const measured = encoding.measure(target);
  if (!scaling || measured === undefined || wordCount(as) === undefined) return undefined;
  const factor = encoding.layout.factorOf(point);
  const raw = nearest(within(scaling.toDevice(measured), point) / factor, as);
  putNumber(encoding, point, raw);
  return scaling.toStored((isFloat(as) ? shortest(raw) : raw) * factor);
}

/** A counter has begun anew after its modulus. */
function within(raw: number, point: Data): number {
  const { modulus } = data(point.counter);
  return typeof modulus === "number" ? raw % (modulus / number(point.scale, 1)) : raw;
}

function putNumber({ settings, tables }: Place, point: Data, raw: number): void {
  const order = text(point.order, text(settings.order, "ABCD"));
  const table = text(point.table, text(settings.table)) === "input" ? tables.input : tables.holding;
  const parts = list(point.parts);
  // Parts stand highest first, wherever the device has them.
  if (parts.length > 0) {
    const words = wordsFor(
      raw,
      text(point.as),
      order === "CDAB" ? "ABCD" : order === "DCBA" ? "BADC" : order,
    );
    parts.forEach((at, index) => put(table, number(at), words.slice(index, index + 1)));
  } else put(table, number(point.at), wordsFor(raw, text(point.as), order));
}

/** What a person calls a float32: 230.2, not 230.1999969482422. */
const shortest = (value: number): number => Number(value.toPrecision(7));

function fillGaps(registers: Map<number, number>, { isForbidden }: Layout): void {
  const addresses = [...registers.keys()].sort((a, b) => a - b);
  addresses.forEach((address, index) => {
    const next = addresses[index + 1] ?? address;
    if (next - address > FILLED_GAP_MAX) return;
    for (let gap = address + 1; gap < next; gap++) if (!isForbidden(gap)) registers.set(gap, 0);
  });
}
