import { expect, it } from "vitest";
import { dice } from "./blocks/fixtures/dice.ts";
import { sequenceAt, type ReadingColumns, type Series } from "./blocks/columns.ts";
import { merge, whole } from "./blocks/merge.ts";
import { HotReadings } from "./hot.ts";

const HOUR = 3_600_000;

type Given = readonly [stream: number, time: number, value: number, sequence?: number];

const columns = (given: readonly Given[]): ReadingColumns => ({
  count: given.length,
  streams: Uint32Array.from(given, ([stream]) => stream),
  times: Float64Array.from(given, ([, time]) => time),
  values: Float64Array.from(given, ([, , value]) => value),
  qualities: new Uint8Array(given.length),
  ...(given.some(([, , , sequence]) => sequence) && {
    sequences: Float64Array.from(given, ([, , , sequence]) => sequence ?? 0),
  }),
});

const listed = (pieces: readonly Series[]) =>
  pieces.flatMap((piece) =>
    Array.from({ length: piece.count }, (_, at) => [
      piece.times[at],
      piece.values[at],
      sequenceAt(piece, at),
    ]),
  );

const valuesIn = (slice: ReadingColumns) => Array.from(slice.values.subarray(0, slice.count));

it("keeps what comes late in its place, and the first of two with one time and sequence", () => {
  const hot = new HotReadings();
  const added = hot.add(
    columns([
      [1, 10, 1],
      [1, 30, 3],
      [1, 20, 2],
      [1, 20, 99],
      [1, 20, 5, 7],
      [1, 5, 0],
    ]),
  );
  expect(added).toBe(5);
  expect(listed(hot.of(1))).toEqual([
    [5, 0, 0],
    [10, 1, 0],
    [20, 2, 0],
    [20, 5, 7],
    [30, 3, 0],
  ]);
  expect(hot.of(2)).toEqual([]);
});

it.each([
  ["forwards", (at: number) => at],
  ["backwards", (at: number) => 9_999 - at],
  ["in any order", (at: number) => (at * 7_919) % 10_000],
])("holds 10,000 readings that come %s in order, each once", (_, timeOf) => {
  const hot = new HotReadings();
  const given = Array.from({ length: 10_000 }, (_, at): Given => [1, timeOf(at), timeOf(at) * 2]);
  expect([hot.add(columns(given)), hot.add(columns(given)), hot.count]).toEqual([10_000, 0, 10_000]);
  expect(listed(hot.of(1))).toEqual(Array.from({ length: 10_000 }, (_, time) => [time, time * 2, 0]));
});

it("agrees with a plain map over 2,000 rounds of chance", () => {
  const d = dice(7);
  for (let round = 0; round < 2_000; round++) {
    const hot = new HotReadings();
    const kept = new Map<string, readonly [number, number, number]>();
    const given = Array.from({ length: d.below(40) }, (): Given => [
      1,
      d.below(12),
      d.below(1_000),
      d.below(3),
    ]);
    for (const [, time, value, sequence = 0] of given)
      if (!kept.has(`${time} ${sequence}`)) kept.set(`${time} ${sequence}`, [time, value, sequence]);
    hot.add(columns(given));
    const expected = [...kept.values()].toSorted((a, b) => a[0] - b[0] || a[2] - b[2]);
    expect(listed(hot.of(1))).toEqual(expected);
  }
});

it("hands over everything once, in slices that keep a device's hour together", () => {
  const hot = new HotReadings((stream) => Math.floor(stream / 10));
  const given = [11, 21, 12].flatMap((stream) =>
    [0, 1, 2, HOUR, HOUR + 1].map((time): Given => [stream, time, stream * 1_000 + (time % HOUR)]),
  );
  hot.add(columns(given));
  const slices = [...(hot.handOver()?.slices(7) ?? [])];
  expect(slices.map(valuesIn)).toEqual([
    [11_000, 11_001, 11_002, 12_000, 12_001, 12_002],
    [11_000, 11_001, 12_000, 12_001, 21_000, 21_001, 21_002],
    [21_000, 21_001],
  ]);
});

it("answers for what is handed over until that is done, and hands it over again when it was not", () => {
  const hot = new HotReadings();
  hot.add(columns([[1, 10, 1]]));
  const first = hot.handOver();
  hot.add(columns([[1, 20, 2]]));
  expect([listed(hot.of(1)), hot.count]).toEqual([
    [
      [10, 1, 0],
      [20, 2, 0],
    ],
    2,
  ]);
  const again = hot.handOver();
  expect([...(again?.slices(9) ?? [])].map(valuesIn)).toEqual([[1]]);
  first?.done();
  again?.done();
  expect([listed(hot.of(1)), hot.count]).toEqual([[[20, 2, 0]], 1]);
  hot.handOver()?.done();
  expect(hot.handOver()).toBeUndefined();
});

it("does not change what was merged of it before", () => {
  const hot = new HotReadings();
  const given = Array.from({ length: 64 }, (_, at): Given => [1, at * 10, at]);
  hot.add(columns(given));
  const merged = merge(hot.of(1).map(whole));
  hot.add(columns([[1, 5, 99]]));
  hot.handOver()?.done();
  expect(listed([merged])).toEqual(given.map(([, time, value]) => [time, value, 0]));
});

it("keeps thousands of streams apart that share their columns", () => {
  const hot = new HotReadings();
  const rounds = Array.from({ length: 40 }, (_, time) =>
    Array.from({ length: 2_000 }, (_, stream): Given => [stream, time, stream * 100 + time]),
  );
  for (const round of rounds) hot.add(columns(round));
  const found = Array.from({ length: 2_000 }, (_, stream) => listed(hot.of(stream)));
  expect(found).toEqual(
    Array.from({ length: 2_000 }, (_, stream) =>
      Array.from({ length: 40 }, (_, time) => [time, stream * 100 + time, 0]),
    ),
  );
});
