import type { DeviceDefinition } from "../../drivers/index.ts";
import type { PoliteReader } from "./reader.ts";
import type { Found, Guess } from "./report.ts";

/** SunSpec Device Information Model Specification 1.1: "SunS", and where it may stand. */
const SUNS = [0x5375, 0x6e53] as const;
const BASES = [40_000, 0, 50_000] as const;
const COMMON = 1;
const END = 0xffff;
/** Registers of model 1: manufacturer and model of 16 each, options and version of 8, serial number of 16. */
const PLATE = { manufacturer: [0, 16], model: [16, 32], version: [40, 48], serial: [48, 64] } as const;
const PLATE_REGISTERS = 64;
const MODELS_MAX = 60;

/** Asks one unit whether it speaks SunSpec, and who it is. */
export async function findSunspec(
  reader: PoliteReader,
  unit: number,
  definitions: readonly DeviceDefinition[],
): Promise<Pick<Found, "says" | "guesses"> | undefined> {
  const read = async (at: number, count: number): Promise<readonly number[]> => {
    const said = await reader.read({ unit, table: "holding", at, count });
    return said.kind === "words" ? said.words : [];
  };
  for (const base of BASES) {
    const [first, second, id] = await read(base, 4);
    if (first !== SUNS[0] || second !== SUNS[1]) continue;
    const plate = id === COMMON ? await read(base + 4, PLATE_REGISTERS) : [];
    const models = await chain(read, base + 2);
    const name = Object.entries(PLATE).flatMap(([, [from, to]]) => ascii(plate.slice(from, to)) || []);
    return {
      says: `SunSpec at ${base}: ${[...name, `models ${models.join(", ")}`].join(", ")}`,
      guesses: guessesFor(models, definitions),
    };
  }
  return undefined;
}

async function chain(
  read: (at: number, count: number) => Promise<readonly number[]>,
  start: number,
): Promise<number[]> {
  const models: number[] = [];
  for (let at = start; models.length < MODELS_MAX && at < 0xffff;) {
    const [id, length] = await read(at, 2);
    if (id === undefined || length === undefined || id === END || id === 0) break;
    models.push(id);
    at += 2 + length;
  }
  return models;
}

/** A device file is as good a guess as the share of the device's own models that it knows. */
function guessesFor(models: readonly number[], definitions: readonly DeviceDefinition[]): Guess[] {
  const own = models.filter((id) => id !== COMMON);
  return definitions
    .flatMap(({ id: device, dialect }) => {
      if (dialect.kind !== "sunspec") return [];
      const known = own.filter((id) => dialect.models.some(({ ids }) => ids.includes(id)));
      const score = own.length === 0 ? 0 : Math.round((100 * known.length) / own.length) / 100;
      return known.length > 0 ? [{ device, score, values: {} }] : [];
    })
    .sort((a, b) => b.score - a.score);
}

const ascii = (words: readonly number[]): string =>
  Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]))
    .toString("latin1")
    .replace(/\0.*$/s, "")
    .replace(/[^\x20-\x7e]/g, "")
    .trim();
