import type { SunspecDialect, SunspecModel, SunspecPoint } from "../definition.ts";
import { NOTHING, joined, type Decoded } from "../driver.ts";
import { RATIO_OR_PERCENT } from "../schema.ts";
import { scaled, stored, targetName, targetOf, tidy } from "../value.ts";
import { problem } from "./points.ts";
import { numberFrom, WORD_COUNTS, type WordType } from "./words.ts";

/**
 * SunSpec (Device Information Model specification 1.1): a device says "SunS" at one of a few base addresses, then
 * strings models together, each an id, a length and that many registers, until id 0xFFFF.
 *
 * Here the walk is a generator: it asks for holding registers and is handed them, so that the same walk serves a live
 * bus and a dump on disk. It is handed undefined where an address does not exist, and words with holes where a dump is not whole.
 */
export type Walk<Result> = Generator<RegisterSpan, Result, SpanWords | undefined>;
export type SpanWords = readonly (number | undefined)[];

export interface RegisterSpan {
  readonly at: number;
  readonly count: number;
}

export interface ModelPlace {
  readonly id: number;
  /** Address of the model's id. */
  readonly at: number;
  /** Registers after the length. */
  readonly length: number;
}

export interface Chain {
  readonly base: number;
  readonly models: readonly ModelPlace[];
  readonly complete: boolean;
}

const SUNS = [0x5375, 0x6e53];
const END_OF_MODELS = 0xffff;
/** Real chains hold about ten models; a hundred is a loop or noise. */
const MAX_MODELS = 100;
const MAX_WORDS = 125;
const LAST_ADDRESS = 0xffff;

/** True at a base address of the device. */
export function* isBase(base: number): Walk<boolean> {
  const words = yield { at: base, count: 2 };
  return words !== undefined && SUNS.every((word, index) => word === words[index]);
}

/** The chain of models behind a base address. */
export function* walkChain(base: number): Walk<Chain> {
  const models: ModelPlace[] = [];
  let at = base + 2;
  while (models.length < MAX_MODELS && at < LAST_ADDRESS) {
    const [id, length] = (yield { at, count: 2 }) ?? [];
    if (id === END_OF_MODELS) return { base, models, complete: true };
    if (id === undefined || length === undefined || id === 0) break;
    models.push({ id, at, length });
    at += 2 + length;
  }
  return { base, models, complete: false };
}

/** The models of a chain that the device file knows, each with its points. */
export const knownModels = (
  dialect: SunspecDialect,
  chain: Chain,
): { place: ModelPlace; model: SunspecModel }[] =>
  chain.models.flatMap((place) => {
    const model = dialect.models.find((candidate) => candidate.ids.includes(place.id));
    return model ? [{ place, model }] : [];
  });

/**
 * Reads one model and decodes it. Values and their scale factors come from one read. Returns undefined where another
 * model stands at its place: the device was changed, and the chain must be walked again.
 */
export function* readModel(place: ModelPlace, model: SunspecModel): Walk<Decoded | undefined> {
  const needed = Math.max(
    ...model.points.map((point) => Math.max(point.at + WORD_COUNTS[point.as], (point.sf ?? 0) + 1)),
  );
  const words = yield { at: place.at, count: Math.min(needed, place.length + 2, MAX_WORDS) };
  if (!words) return problem("illegalAddress", `model ${place.id} at ${place.at} cannot be read`);
  if (words[0] !== place.id || words[1] !== place.length) return undefined;
  return joined(
    model.points.filter((point) => point.at < place.length + 2).map((point) => decodePoint(point, words)),
  );
}

/** The values that mean "not implemented" (ibid., 4.4), and for an accumulator 0: it says "never counted" or nothing. */
const NOT_IMPLEMENTED: Readonly<Partial<Record<WordType, number>>> = {
  int16: -0x8000,
  uint16: 0xffff,
  int32: -0x8000_0000,
  uint32: 0xffff_ffff,
  acc32: 0,
};
/** Scale factors are powers of ten from -10 to 10 (ibid., 4.5). */
const LARGEST_SCALE = 10;

function decodePoint(point: SunspecPoint, words: SpanWords): Decoded {
  const own = words.slice(point.at, point.at + WORD_COUNTS[point.as]).filter((word) => word !== undefined);
  if (own.length === 0) return NOTHING;
  if (own.length < WORD_COUNTS[point.as])
    return problem("missingRegister", `${targetName(point)} is only half there`);
  const raw = numberFrom(own, point.as, "ABCD");
  if (Number.isNaN(raw) || raw === NOT_IMPLEMENTED[point.as]) {
    return problem(
      "sentinel",
      `${targetName(point)} is ${raw === 0 ? "an accumulator at 0: unknown" : "not implemented"}`,
    );
  }
  const power = point.sf === undefined ? 0 : scaleFactor(words[point.sf]);
  if (power === undefined) return problem("sentinel", `${targetName(point)} has no scale factor`);
  if (Math.abs(power) > LARGEST_SCALE || !Number.isFinite(raw)) {
    return problem("outOfRange", `${targetName(point)}: ${raw} with the scale factor ${power}`);
  }
  const value = power < 0 ? tidy(raw / 10 ** -power) : raw * 10 ** power;
  return { samples: [{ ...targetOf(point), value: inStoredUnit(point, value) }], problems: [] };
}

function scaleFactor(word: number | undefined): number | undefined {
  if (word === undefined || word === 0x8000) return undefined;
  return word >= 0x8000 ? word - 0x1_0000 : word;
}

/** See RATIO_OR_PERCENT in the schema: Fronius gives 64.2 and 100, SMA and Veris give -0.998 and 0.9925. */
function inStoredUnit(point: SunspecPoint, value: number): number {
  if (point.unit !== RATIO_OR_PERCENT) return stored(point, value);
  return Math.abs(value) > 1 ? scaled(value, 0.01) : value;
}

/** Discovers and decodes in a set of holding registers that are already there. */
export function decodeSunspecDump(dialect: SunspecDialect, holding: ReadonlyMap<number, number>): Decoded {
  const run = <Result>(walk: Walk<Result>): Result => runOnDump(walk, holding);
  const base = dialect.bases.find((candidate) => run(isBase(candidate)));
  if (base === undefined) return problem("missingRegister", `no "SunS" at ${dialect.bases.join(", ")}`);
  const chain = run(walkChain(base));
  const known = knownModels(dialect, chain);
  const ids = chain.models.map((model) => model.id).join(", ");
  return joined([
    ...known.map(({ place, model }) => run(readModel(place, model)) ?? NOTHING),
    known.length > 0 ? NOTHING : problem("unknownModel", `none of the models ${ids} is known here`),
    chain.complete ? NOTHING : problem("truncated", `the chain of models ${ids} has no end`),
  ]);
}

function runOnDump<Result>(walk: Walk<Result>, holding: ReadonlyMap<number, number>): Result {
  let step = walk.next();
  while (!step.done) {
    const { at, count } = step.value;
    const words = Array.from({ length: count }, (_, index) => holding.get(at + index));
    step = walk.next(words.some((word) => word !== undefined) ? words : undefined);
  }
  return step.value;
}
