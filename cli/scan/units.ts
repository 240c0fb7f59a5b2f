import { FieldwattError } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../../drivers/index.ts";
import { matchUnit } from "./match.ts";
import type { PoliteReader, Said } from "./reader.ts";
import type { Found, ScanContext } from "./report.ts";
import { findSunspec } from "./sunspec.ts";

/** Exceptions 10 and 11 are a gateway's: nobody answered behind it (Modbus Application Protocol 1.1b3, 7). */
const NOBODY_BEHIND: readonly number[] = [10, 11];
/** A unit that a person hardly gives: who answers for it as for any other does not look at the number. */
const UNLIKELY_UNIT = 213;

/** What a first cheap read of one unit said; undefined where nobody is there. */
export async function knock(reader: PoliteReader, unit: number): Promise<Said | undefined> {
  for (const table of ["input", "holding"] as const) {
    const said = await reader.read({ unit, table, at: 0, count: 2 });
    if (isThere(said)) return said;
    if (said.kind === "exception") return undefined;
  }
  return undefined;
}

const isThere = (said: Said): boolean =>
  said.kind === "words" || (said.kind === "exception" && !NOBODY_BEHIND.includes(said.code));

export interface UnitScan {
  readonly found: readonly Found[];
  readonly notes: readonly string[];
  readonly complete: boolean;
}

export interface UnitScanOptions {
  readonly units: readonly number[];
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
  /** On a serial line nobody answers for all units. */
  readonly gateway: boolean;
}

/** Asks units one after the other, and matches each that answers. What was found until the signal is kept. */
export async function scanUnits(reader: PoliteReader, options: UnitScanOptions): Promise<UnitScan> {
  const { units, context, gateway } = options;
  const found: Found[] = [];
  const notes: string[] = [];
  let asked = 0;
  try {
    for (const unit of units) {
      context.progress(`unit ${unit}: ${asked} of ${units.length} asked, ${found.length} found`);
      const said = await knock(reader, unit);
      asked += 1;
      if (!said) continue;
      // Known before it is identified, so that it is not lost when the time is up.
      found.push({
        where: `unit ${unit}`,
        unit,
        says: "it answers; the time was up before more was asked",
        guesses: [],
      });
      found.splice(-1, 1, await identify(reader, unit, options));
      if (gateway && found.length === 1 && (await answersForAnybody(reader, unit))) {
        notes.push(`it answers for every unit in the same way: only unit ${unit} is listed`);
        break;
      }
    }
    return { found, notes, complete: true };
  } catch (error) {
    if (!context.signal.aborted) throw error;
    const last = units[asked];
    return {
      found,
      notes: [...notes, `ended before unit ${last} was done: ${asked} of ${units.length} units`],
      complete: false,
    };
  }
}

async function identify(
  reader: PoliteReader,
  unit: number,
  { definitions, context }: UnitScanOptions,
): Promise<Found> {
  context.progress(`unit ${unit} answers; which device is it?`);
  const sunspec = await findSunspec(reader, unit, definitions);
  const guesses = sunspec?.guesses ?? (await matchUnit(reader, unit, definitions));
  return { where: `unit ${unit}`, unit, ...(sunspec?.says !== undefined && { says: sunspec.says }), guesses };
}

/** True where a number that nobody has gives the very same answer. */
async function answersForAnybody(reader: PoliteReader, unit: number): Promise<boolean> {
  const other = unit === UNLIKELY_UNIT ? UNLIKELY_UNIT + 1 : UNLIKELY_UNIT;
  const [own, stranger] = [await knock(reader, unit), await knock(reader, other)];
  return own !== undefined && JSON.stringify(own) === JSON.stringify(stranger);
}

/** `1-20,100`, in that order. @throws FieldwattError OPTION_INVALID */
export function unitsFromText(text: string): number[] {
  const invalid = (): FieldwattError =>
    new FieldwattError("OPTION_INVALID", `"${text}" are no units; write for example 1-20,100 (0 to 255)`);
  const units = text.split(",").flatMap((part) => {
    const [, from, to = from] = /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(part) ?? [];
    if (from === undefined || Number(to) > 255 || Number(from) > Number(to)) throw invalid();
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  });
  return [...new Set(units)];
}
