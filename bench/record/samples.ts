import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { loadNow, round, type BenchContext, type Figure } from "../bench.ts";

/** What the parts of `bench/record` share: their figures, and the readings that they append. */
export const SERIES = 100;
export const START = Date.UTC(2026, 5, 15);

/** With the machine's load when it was measured: on a shared machine that says how much to think of it. */
export const figure = (name: string, value: number, unit: string): Figure => ({
  bench: "record",
  figure: name,
  value: round(value),
  unit,
  load: loadNow(),
});

const streams = Array.from({ length: SERIES }, (_, i) => streamId(deviceId(`meter-${i}`), "activePower"));

/** The n-th reading: one series after another every ten seconds, a power that wanders in steps of 0.1 W. */
export function reading(n: number): Reading {
  const series = n % SERIES;
  const round = Math.floor(n / SERIES);
  const wander = Math.sin(round / 40 + series) * 1_500 + ((n * 7919) % 97) / 10;
  const value = Math.round((2_000 + wander) * 10) / 10;
  return {
    stream: streams[series] ?? "none/none",
    time: instant(START + round * 10_000),
    value,
    quality: "ok",
  } as Reading;
}

export const batch = (from: number, count: number): Reading[] =>
  Array.from({ length: count }, (_, i) => reading(from + i));

export async function appendBatches(
  record: RecordStore,
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
): Promise<void> {
  for (let n = from; n < to; n++) await record.append(batch(n * size, size));
}

export function newFolder({ folder }: BenchContext, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** @param share 0 to 1, of sorted numbers */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const median = (numbers: readonly number[]): number =>
  quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
