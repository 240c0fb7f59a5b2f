import { describe, expect, it } from "vitest";
import { hasCode } from "../../../domain/model/index.ts";
import { encodeBlock, openBlock } from "./codec.ts";
import type { Series } from "./columns.ts";
import { dice, type Dice } from "./fixtures/dice.ts";

/** A block gives back what was put in, to the last bit, or says that it is damaged. The seed is fixed, and printed. */
const SEED = 20_260_615;

type Reading = readonly [time: number, value: number, quality?: number, sequence?: number];

function series(readings: readonly Reading[]): Series {
  const column = (of: (reading: Reading) => number) => Float64Array.from(readings, of);
  const sequences = column(([, , , sequence = 0]) => sequence);
  return {
    count: readings.length,
    times: column(([time]) => time),
    values: column(([, value]) => value),
    qualities: Uint8Array.from(readings, ([, , quality = 0]) => quality),
    ...(sequences.some((sequence) => sequence !== 0) && { sequences }),
  };
}

/** Bit for bit: Object.is tells -0 from 0. */
function same(a: Series | undefined, b: Series): boolean {
  const equal = (x: ArrayLike<number> | undefined, y: ArrayLike<number> | undefined) =>
    Array.from({ length: b.count }, (_, at) => Object.is(x?.[at] ?? 0, y?.[at] ?? 0)).every(Boolean);
  return (
    a?.count === b.count &&
    equal(a.times, b.times) &&
    equal(a.values, b.values) &&
    equal(a.qualities, b.qualities) &&
    equal(a.sequences, b.sequences)
  );
}

const again = (streams: ReadonlyMap<number, Series>, device = 1) => openBlock(encodeBlock(device, streams));

/** What meters say, and what no meter says: any float64 except NaN and infinities, which the record refuses. */
function anyValue(d: Dice): number {
  const bits = new DataView(new ArrayBuffer(8));
  const kinds: (() => number)[] = [
    () => d.below(5_000) - 2_500,
    () => (d.below(100_000) - 50_000) / 10,
    () => (d.below(1_000_000) / 1_000) * 1_000,
    () => ((d.below(2_000) - 400) / 10 - 32) * (5 / 9),
    () => d.below(1e9) / 60,
    () => -0,
    () => Math.fround(d.below(1e6) / 7),
    () =>
      [Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, -Number.MAX_VALUE, 2 ** 49, -(2 ** 49), 2 ** 53][
        d.below(6)
      ] ?? 0,
    () => {
      bits.setUint32(0, d.below(2 ** 32));
      bits.setUint32(4, d.below(2 ** 32));
      const value = bits.getFloat64(0);
      return Number.isFinite(value) ? value : 0;
    },
  ];
  return (kinds[d.below(kinds.length)] ?? kinds[0])?.() ?? 0;
}

function anySeries(d: Dice, readings: number): Series {
  const one = anyValue.bind(undefined, d);
  const mixed = d.below(4) === 0;
  const fixed = one();
  const numbered = d.below(4) === 0;
  let time = d.below(2) * 1_780_000_000_000 - d.below(2) * 5_000;
  return series(
    Array.from({ length: readings }, () => {
      time += d.below(3) * ([1, 10, 1_000, 7_013][d.below(4)] ?? 1) + (numbered ? 0 : 1);
      const value = mixed ? one() : fixed + d.below(100);
      return [
        time,
        value,
        d.below(5) === 0 ? d.below(5) : 0,
        numbered ? d.below(2 ** 20) * 2 ** d.below(33) : 0,
      ];
    }),
  );
}

describe("a block of readings", () => {
  it.each([
    [
      "a level with noise",
      [
        [0, 230.1],
        [10_000, 230.4],
        [20_000, 229.9],
      ],
    ],
    [
      "a counter in whole Wh",
      [
        [0, 12_345_678],
        [10_000, 12_345_690],
        [20_000, 12_345_701],
      ],
    ],
    [
      "kWh that were multiplied by 1,000",
      [
        [0, 1.005 * 1_000],
        [1, 1.006 * 1_000],
        [2, 8.2 * 1_000],
      ],
    ],
    [
      "-0 beside 0",
      [
        [0, -0],
        [1, 0],
      ],
    ],
    [
      "the ends of the floating point",
      [
        [0, Number.MAX_VALUE],
        [1, Number.MIN_VALUE],
        [2, -Number.MAX_VALUE],
      ],
    ],
    [
      "the ends of whole numbers",
      [
        [0, Number.MAX_SAFE_INTEGER],
        [1, -Number.MAX_SAFE_INTEGER],
      ],
    ],
    [
      "times long before 1970",
      [
        [-8.64e15, 1],
        [-8.64e15 + 3_599_999, 2],
      ],
    ],
    [
      "times long after 9999",
      [
        [8.64e15 - 1, 1],
        [8.64e15, 2],
      ],
    ],
    [
      "qualities",
      [
        [0, 1, 0],
        [1, 1, 4],
        [2, 1, 4],
        [3, 1, 0],
      ],
    ],
    [
      "one time, several sequences",
      [
        [5, 1, 0, 0],
        [5, 2, 0, 1],
        [5, 3, 0, Number.MAX_SAFE_INTEGER],
      ],
    ],
  ] as const satisfies [string, Reading[]][])("gives back %s", (_, readings) => {
    const kept = series(readings);
    expect(same(again(new Map([[7, kept]])).series(7), kept)).toBe(true);
  });

  it("gives back 100,000 small ones as they were", () => {
    const d = dice(SEED);
    let wrong = 0;
    for (let run = 0; run < 100_000; run++) {
      const streams = new Map([[d.below(9), anySeries(d, 1 + d.below(5))]]);
      const block = again(streams, run);
      for (const [id, kept] of streams) if (!same(block.series(id), kept) || block.device !== run) wrong++;
    }
    expect({ seed: SEED, wrong }).toEqual({ seed: SEED, wrong: 0 });
  }, 60_000);

  it("gives back large ones with many streams, and streams of one clock share it", () => {
    const d = dice(SEED);
    const streams = new Map(Array.from({ length: 40 }, (_, id) => [id * 3, anySeries(d, 1 + d.below(900))]));
    const clock = anySeries(d, 77);
    streams.set(0, clock);
    streams.set(1_000_000, { ...clock, values: clock.values.map((value) => value + 1) });
    const block = again(streams);
    expect(block.streams).toEqual([...streams.keys()]);
    expect(block.readings).toBe([...streams.values()].reduce((sum, { count }) => sum + count, 0));
    for (const [id, kept] of streams) expect(same(block.series(id), kept)).toBe(true);
    expect(block.series(0)?.times).toBe(block.series(1_000_000)?.times);
    expect(block.series(1)).toBeUndefined();
  });

  it("detects every flipped bit, every missing end, and every byte too many", () => {
    const bytes = encodeBlock(
      3,
      new Map([
        [1, anySeries(dice(SEED), 60)],
        [2, anySeries(dice(1), 9)],
      ]),
    );
    const refused = (changed: Uint8Array) => {
      try {
        openBlock(changed);
        return false;
      } catch (error) {
        return hasCode(error, "RECORD_BLOCK_DAMAGED");
      }
    };
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) =>
      bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
    );
    const cut = Array.from({ length: bytes.length }, (_, length) => bytes.slice(0, length));
    const passed = [...flipped, ...cut, Buffer.concat([bytes, Buffer.of(0)])].filter((c) => !refused(c));
    expect(passed).toEqual([]);
  });
});
