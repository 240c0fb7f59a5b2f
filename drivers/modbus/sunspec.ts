import { NOTHING, joined, type Decoded } from "../driver.ts";
import { stored, targetName, targetOf, tidy } from "../value.ts";
import type { SunspecDialect, SunspecModel, SunspecPoint } from "./dialect.ts";
import { problem } from "./points.ts";
import { bitPattern, numberFrom, WORD_COUNTS, type WordType } from "./words.ts";

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
  /** What the common model calls the maker; empty where there is none. */
  readonly maker: string;
}

const SUNS = [0x5375, 0x6e53];
const END_OF_MODELS = 0xffff;
/** Real chains hold about ten models; a hundred is a loop or noise. */
const MAX_MODELS = 100;
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
  let maker = "";
  while (models.length < MAX_MODELS && at < LAST_ADDRESS) {
    const [id, length] = (yield { at, count: 2 }) ?? [];
    if (id === END_OF_MODELS) return { base, models, complete: true, maker };
    if (id === undefined || length === undefined || id === 0) break;
    models.push({ id, at, length });
    if (id === COMMON_MODEL && length >= MAKER_WORDS)
      maker = textOf(yield { at: at + 2, count: MAKER_WORDS });
    at += 2 + length;
  }
  return { base, models, complete: false, maker };
}

/** The common model, and the 16 registers of its first point, Mn. */
const COMMON_MODEL = 1;
const MAKER_WORDS = 16;

/** Two characters a register, up to the first 0. */
function textOf(words: SpanWords | undefined): string {
  const bytes = (words ?? []).flatMap((word = 0) => [word >> 8, word & 0xff]);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.slice(0, end))).trim();
}

/** The models of a chain that the device file knows, each with its points. */
export const knownModels = (
  dialect: SunspecDialect,
  chain: Chain,
): { place: ModelPlace; model: SunspecModel }[] =>
  chain.models.flatMap((place) => {
    const model = dialect.models.find((candidate) => fits(candidate, place));
    return model ? [{ place, model }] : [];
  });

const fits = ({ ids, length }: SunspecModel, place: ModelPlace): boolean =>
  ids.includes(place.id) && (length === undefined || length === place.length);

/** What a reader of models must know of the device. */
export interface ModelReading {
  /** The most registers of one request. */
  readonly maxRegisters: number;
  readonly maker: string;
}

/**
 * Reads one model and decodes it. Returns undefined where another model stands at its place: the device was changed,
 * and the chain must be walked again. A model of more registers than one request takes is read in pieces.
 */
export function* readModel(
  place: ModelPlace,
  model: SunspecModel,
  { maxRegisters, maker }: ModelReading,
): Walk<Decoded | undefined> {
  const whole = place.length + 2;
  const points = [...model.points, ...repeated(model, place)].filter(
    ({ at, as }) => at + WORD_COUNTS[as] <= whole,
  );
  const needed = Math.max(2, ...points.map(({ at, as, sf = 0 }) => Math.max(at + WORD_COUNTS[as], sf + 1)));
  const end = Math.min(needed, whole);
  const words: (number | undefined)[] = [];
  let lost: Decoded = NOTHING;
  while (words.length < end && lost === NOTHING) {
    const at = place.at + words.length;
    const piece = yield { at, count: Math.min(maxRegisters, end - words.length) };
    if (piece) words.push(...piece);
    else if (words.length === 0)
      return problem("illegalAddress", `model ${place.id} at ${place.at} cannot be read`);
    else lost = problem("missingRegister", `model ${place.id} cannot be read from register ${at} on`);
  }
  if (words[0] !== place.id || words[1] !== place.length) return undefined;
  return joined([...points.map((point) => decodePoint(point, words, maker)), lost]);
}

/** The points of every block that comes again, as many as the model is long; `n` in a channel is the block's number. */
function repeated({ repeat }: SunspecModel, { length }: ModelPlace): SunspecPoint[] {
  if (!repeat) return [];
  const blocks = Math.max(0, Math.floor((length + 2 - repeat.at) / repeat.every));
  return Array.from({ length: blocks }, (_, index) =>
    repeat.points.map(({ channel, ...point }) => ({
      ...point,
      at: repeat.at + index * repeat.every + point.at,
      ...(channel !== undefined && { channel: channel.replace("n", String(index + 1)) }),
    })),
  ).flat();
}

/** The patterns that mean "not implemented" (ibid., 4.4), and for an accumulator 0: it says "never counted" or nothing. */
const NOT_IMPLEMENTED: Readonly<Partial<Record<WordType, bigint>>> = {
  int16: 0x8000n,
  uint16: 0xffffn,
  int32: 0x8000_0000n,
  uint32: 0xffff_ffffn,
  int64: 0x8000_0000_0000_0000n,
  uint64: 0xffff_ffff_ffff_ffffn,
  acc32: 0n,
  acc64: 0n,
};
/** Scale factors are powers of ten from -10 to 10 (ibid., 4.5). */
const LARGEST_SCALE = 10;

function decodePoint(point: SunspecPoint, words: SpanWords, maker: string): Decoded {
  const own = words.slice(point.at, point.at + WORD_COUNTS[point.as]).filter((word) => word !== undefined);
  if (own.length === 0) return NOTHING;
  if (own.length < WORD_COUNTS[point.as])
    return problem("missingRegister", `${targetName(point)} is only half there`);
  const pattern = bitPattern(own, "ABCD");
  const raw = accumulated(numberFrom(own, point.as, "ABCD"), point.as, maker);
  if (Number.isNaN(raw) || pattern === NOT_IMPLEMENTED[point.as]) {
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
  return { samples: [{ ...targetOf(point), value: stored(point, value) }], problems: [] };
}

/** Kostal counts some accumulators downwards, as the two's complement of what they are (volkszaehler/mbmd#97). */
function accumulated(raw: number, as: WordType, maker: string): number {
  const turned = as === "acc32" && raw > 0x7fff_ffff && maker.toUpperCase().startsWith("KOSTAL");
  return turned ? 2 ** 32 - raw : raw;
}

function scaleFactor(word: number | undefined): number | undefined {
  if (word === undefined || word === 0x8000) return undefined;
  return word >= 0x8000 ? word - 0x1_0000 : word;
}

/** Models may give the same value (103 and 701): of each target the first counts. */
export function firstOfEach({ samples, problems }: Decoded): Decoded {
  const first = new Map(samples.toReversed().map((sample) => [targetName(sample), sample]));
  return { samples: samples.filter((sample) => first.get(targetName(sample)) === sample), problems };
}

/** Discovers and decodes in a set of holding registers that are already there. */
export function decodeSunspecDump(dialect: SunspecDialect, holding: ReadonlyMap<number, number>): Decoded {
  const run = <Result>(walk: Walk<Result>): Result => runOnDump(walk, holding);
  const base = dialect.bases.find((candidate) => run(isBase(candidate)));
  if (base === undefined) return problem("missingRegister", `no "SunS" at ${dialect.bases.join(", ")}`);
  const chain = run(walkChain(base));
  const known = knownModels(dialect, chain);
  const ids = chain.models.map((model) => model.id).join(", ");
  const read = known.map(
    ({ place, model }) => run(readModel(place, model, { ...dialect, ...chain })) ?? NOTHING,
  );
  return joined([
    firstOfEach(joined(read)),
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
