import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadingColumns } from "../blocks/columns.ts";
import { decodeFrame, encodeFrame, PAGE_BYTES } from "./frame.ts";

interface Row {
  readonly stream: number;
  readonly time: number;
  readonly value: number;
  readonly quality: number;
  readonly sequence: number;
}

const columnsOf = (rows: readonly Row[]): ReadingColumns => ({
  count: rows.length,
  streams: Uint32Array.from(rows, (row) => row.stream),
  times: Float64Array.from(rows, (row) => row.time),
  values: Float64Array.from(rows, (row) => row.value),
  qualities: Uint8Array.from(rows, (row) => row.quality),
  ...(rows.some((row) => row.sequence > 0) && {
    sequences: Float64Array.from(rows, (row) => row.sequence),
  }),
});

const rowsOf = (columns: ReadingColumns): Row[] =>
  Array.from({ length: columns.count }, (_, i) => ({
    stream: Number(columns.streams[i]),
    time: Number(columns.times[i]),
    value: Number(columns.values[i]),
    quality: Number(columns.qualities[i]),
    sequence: columns.sequences?.[i] ?? 0,
  }));

/** A frame keeps the order inside a stream, and puts the streams in order. */
const inFrameOrder = (rows: readonly Row[]): Row[] => rows.toSorted((a, b) => a.stream - b.stream);

const value = fc.oneof(
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 10),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1, 0.30000000000000004, Number.MIN_VALUE, Number.MAX_VALUE, 1e-9, 2 ** 50 + 0.5),
);
const time = fc.oneof(fc.integer({ min: 1_780_000_000_000, max: 1_780_003_600_000 }), fc.maxSafeInteger());
const row = fc.record({
  stream: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  time,
  value,
  quality: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4 })),
  sequence: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000_000 }), fc.maxSafeNat()),
});
const rows = fc.array(row, { minLength: 1, maxLength: 30 });
/** Enough to need several pages, so that compression is tried. */
const manyRows = fc.array(row, { minLength: 300, maxLength: 600 });

const number = fc.maxSafeNat();

describe("a frame", () => {
  it("gives back every reading bit for bit, in the order of its stream", () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 50, arbitrary: rows }, { weight: 1, arbitrary: manyRows }),
        number,
        (given, n) => {
          const bytes = encodeFrame({ number: n, columns: columnsOf(given) });
          expect(bytes.length % PAGE_BYTES).toBe(0);
          const frame = decodeFrame(bytes, 0);
          expect(frame?.number).toBe(n);
          expect(frame && rowsOf(frame.columns)).toEqual(inFrameOrder(given));
        },
      ),
      { numRuns: 3_000, endOnFailure: true },
    );
  });

  it("is refused when any one bit of it is another", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat({ max: 7 }), (given, place, bit) => {
        const bytes = encodeFrame({ number: 7, columns: columnsOf(given) });
        const at = place % bytes.length;
        bytes[at] = Number(bytes[at]) ^ (1 << bit);
        expect(decodeFrame(bytes, 0)).toBeUndefined();
      }),
      { numRuns: 5_000, endOnFailure: true },
    );
  });

  it("is refused when it is cut anywhere, or its end is still an older frame's", () => {
    fc.assert(
      fc.property(manyRows, manyRows, fc.nat(), (older, newer, place) => {
        const old = encodeFrame({ number: 7, columns: columnsOf(older) });
        const bytes = encodeFrame({ number: 8, columns: columnsOf(newer) });
        const cut = place % bytes.length;
        expect(decodeFrame(bytes.subarray(0, cut), 0)).toBeUndefined();
        // A disk writes a page whole or not at all; the part after the cut is what lay there before.
        const torn = Buffer.concat([bytes, Buffer.alloc(old.length)]);
        const pages = 1 + (place % (bytes.length / PAGE_BYTES));
        old.copy(torn, pages * PAGE_BYTES, Math.min(old.length, pages * PAGE_BYTES));
        const frame = decodeFrame(torn, 0);
        if (frame) expect(rowsOf(frame.columns)).toEqual(inFrameOrder(newer));
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  it("of a newer program is refused by name, not taken for damage", () => {
    const columns = columnsOf([{ stream: 1, time: 2, value: 3, quality: 0, sequence: 0 }]);
    const bytes = encodeFrame({ number: 1, columns });
    // The next version, with its checksum as that program would write it.
    bytes.writeUInt8(2, 4);
    bytes.writeUInt32LE(0, 28);
    bytes.writeUInt32LE(crc32(bytes), 28);
    expect(() => decodeFrame(bytes, 0)).toThrow(/version 2; this program knows versions up to 1/);
  });

  it.each([
    ["100 series once, volts with a decimal", 100, 1, 1],
    ["100 series ten times", 100, 10, 1],
  ])("of %s is one page", (_, streams, times, pages) => {
    const rows = Array.from({ length: streams * times }, (_, i) => ({
      stream: 1 + (i % streams),
      time: 1_780_000_000_000 + 10_000 * Math.floor(i / streams),
      value: (2300 + ((i * 7919) % 100)) / 10,
      quality: 0,
      sequence: 0,
    }));
    expect(encodeFrame({ number: 1, columns: columnsOf(rows) }).length).toBe(pages * PAGE_BYTES);
  });
});
