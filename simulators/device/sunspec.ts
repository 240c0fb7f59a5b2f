import { text as characters } from "../modbus/registers.ts";
import type { Measure, Measured } from "./measured.ts";
import { scalingOf, type Scaling } from "./scaling.ts";
import { data, list, number, text, type Data, type Sheet } from "./sheet.ts";
import { isFloat, nearest, put, wordCount, wordsFor } from "./words.ts";

/**
 * A SunSpec device from its device file: "SunS", model 1 with its name, then of every group of models in the file one
 * that measures something which none before it does. SunSpec Device Information Model Specification 1.1.
 */
const COMMON = { id: 1, length: 66 };
const END_OF_MODELS = 0xffff;

/** Registers after the length, from the `length` of sunspec/models json/model_*.json; others end after their last point. */
const LENGTHS: Readonly<Record<number, number>> = {
  101: 50,
  102: 50,
  103: 50,
  111: 60,
  112: 60,
  113: 60,
  201: 105,
  202: 105,
  203: 105,
  204: 105,
  211: 124,
  212: 124,
  213: 124,
  214: 124,
};

/** Ibid., 4.4: what says "not implemented". */
const ABSENT: Readonly<Record<string, readonly number[]>> = {
  int16: [0x8000],
  uint16: [0xffff],
  int32: [0x8000, 0],
  uint32: [0xffff, 0xffff],
  acc32: [0, 0],
  int64: [0x8000, 0, 0, 0],
  uint64: [0xffff, 0xffff, 0xffff, 0xffff],
  acc64: [0, 0, 0, 0],
  float32: [0x7fc0, 0],
  float64: [0x7ff8, 0, 0, 0],
};

interface Point {
  readonly target: string;
  readonly at: number;
  readonly as: string;
  readonly sf?: number;
  readonly scaling: Scaling;
  /** The device's number before its scale factor. */
  readonly value: number;
}

/** The registers of a device with a `sunspec` section. */
export function sunspecRegisters(sheet: Sheet, measure: Measure): Measured {
  const file = data(sheet.data.sunspec);
  const base = number(list(file.bases)[0], 40_000);
  const holding = new Map<number, number>();
  const values = new Map<string, number>();
  put(holding, base, [...characters("SunS", 2), COMMON.id, COMMON.length]);
  put(holding, base + 4, commonBlock(sheet));
  let at = base + 4 + COMMON.length;
  for (const model of chosenModels(list(file.models).map(data), measure)) {
    put(holding, at, modelBlock(model));
    for (const point of model.points) values.set(point.target, putPoint(holding, at, point, model.powers));
    at += 2 + model.length;
  }
  put(holding, at, [END_OF_MODELS, 0]);
  return { registers: { holding }, values };
}

const commonBlock = ({ maker, id }: Sheet): number[] => [
  ...characters(maker, 16),
  ...characters(id, 16),
  ...characters("", 8),
  ...characters("1.0", 8),
  ...characters(`FAKE-${id}`, 16),
  1,
  0x8000,
];

interface Model {
  readonly id: number;
  readonly length: number;
  readonly absent: readonly (readonly [at: number, words: readonly number[]])[];
  readonly points: readonly Point[];
  /** Powers of ten by the register that holds them. */
  readonly powers: ReadonlyMap<number, number>;
}

function chosenModels(models: readonly Data[], measure: Measure): Model[] {
  const taken = new Set<string>();
  return models.flatMap((model) => {
    const own = Object.keys(pointsOf(model));
    if (own.length === 0 || own.some((target) => taken.has(target))) return [];
    own.forEach((target) => taken.add(target));
    return [modelOf(model, measure)];
  });
}

/** A repeating block comes as often as a small inverter has strings; `n` in a channel is its number. */
const BLOCKS = 2;

function pointsOf(model: Data): Data {
  const repeat = data(model.repeat);
  const blocks = Array.from({ length: "repeat" in model ? BLOCKS : 0 }, (_, index) =>
    Object.entries(data(repeat.points)).map(([target, point]) => {
      const at = number(repeat.at) + index * number(repeat.every) + number(data(point).at);
      return [target.replace(/n$/, String(index + 1)), { ...data(point), at }] as const;
    }),
  );
  return { ...data(model.points), ...Object.fromEntries(blocks.flat()) };
}

function modelOf(model: Data, measure: Measure): Model {
  const entries = Object.entries(pointsOf(model)).map(([target, point]) => [target, data(point)] as const);
  const points = entries.flatMap(([target, point]) => pointOf(target, point, measure));
  const end = Math.max(
    ...entries.map(([, { at, as, sf }]) => Math.max(number(at) + (wordCount(text(as)) ?? 1), number(sf) + 1)),
  );
  // The last id of a group is its fullest: 103 has three phases, 101 one.
  const id = number(list(model.ids).at(-1));
  const absent = entries.map(([, { at, as }]) => [number(at), ABSENT[text(as)] ?? []] as const);
  const { at = 0, every = 0 } = data(model.repeat);
  const length = LENGTHS[id] ?? Math.max(end, number(at) + BLOCKS * number(every)) - 2;
  return { id, length, absent, points, powers: powersOf(points) };
}

function pointOf(target: string, point: Data, measure: Measure): Point[] {
  const scaling = scalingOf(target, point);
  const value = measure(target);
  const [as, sf] = [text(point.as), point.sf];
  if (!scaling || value === undefined || wordCount(as) === undefined) return [];
  const at = number(point.at);
  return [{ target, at, as, scaling, value: scaling.toDevice(value), ...(typeof sf === "number" && { sf }) }];
}

/** For each scale factor the finest power of ten with which all its values fit, from 10^-3 up. */
function powersOf(points: readonly Point[]): Map<number, number> {
  const powers = new Map<number, number>();
  for (const { sf, value, as } of points) {
    if (sf === undefined) continue;
    let power = powers.get(sf) ?? (as.startsWith("acc") ? 0 : -3);
    while (power < 10 && !fits(value / 10 ** power, as)) power += 1;
    powers.set(sf, power);
  }
  return powers;
}

/** Not at the ends of the range, where "not implemented" stands. */
const fits = (raw: number, as: string): boolean => Math.abs(raw) < (as.endsWith("16") ? 0x7fff : 0x7fff_ffff);

function modelBlock({ id, length, absent, powers }: Model): number[] {
  const block = new Map<number, number>(Array.from({ length: length + 2 }, (_, at) => [at, 0]));
  put(block, 0, [id, length]);
  for (const [at, words] of absent) put(block, at, words);
  for (const [at, power] of powers) block.set(at, power & 0xffff);
  return [...block.values()].slice(0, length + 2);
}

function putPoint(
  holding: Map<number, number>,
  model: number,
  { at, as, sf, scaling, value }: Point,
  powers: ReadonlyMap<number, number>,
): number {
  const power = sf === undefined ? 0 : (powers.get(sf) ?? 0);
  const raw = nearest(value / 10 ** power, as);
  put(holding, model + at, wordsFor(raw, as, "ABCD"));
  const shown = isFloat(as) ? Number(raw.toPrecision(7)) : raw;
  return scaling.toStored(Number((shown * 10 ** power).toPrecision(12)));
}
