import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReadingColumns } from "../blocks/columns.ts";
import { realDisk, type JournalDisk } from "./disk.ts";
import { PAGE_BYTES } from "./frame.ts";
import { openJournal, type Journal } from "./journal.ts";
import { framesAfter } from "./replay.ts";

/** Small segments, so that a few frames go round the ring: a first page and seven frames. */
const SEGMENT = 8 * PAGE_BYTES;
const KEPT = SEGMENT;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** One reading, whose value tells it. */
const one = (value: number): ReadingColumns => ({
  count: 1,
  streams: Uint32Array.of(1),
  times: Float64Array.of(1_780_000_000_000 + value),
  values: Float64Array.of(value),
  qualities: Uint8Array.of(0),
});

const open = ({ packed = 0, disk = realDisk }: { packed?: number; disk?: JournalDisk } = {}) =>
  openJournal({ folder, packed, disk, segmentBytes: SEGMENT, keptBytes: KEPT }, packed);

/** @returns the frame's number */
function appendOne(journal: Journal, value: number): number {
  journal.append([one(value)]);
  return journal.lastFrame;
}

const appendAll = (journal: Journal, values: readonly number[]): number[] =>
  values.map((value) => appendOne(journal, value));

const valuesOf = (columns: readonly ReadingColumns[]): number[] =>
  columns.map(({ values }) => Number(values[0]));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Files without syncs, where the test pulls no plug: the disk of a busy machine takes its time. */
const quickDisk: JournalDisk = {
  ...realDisk,
  create: (path, bytes) => writeFileSync(path, Buffer.alloc(bytes)),
  sync: () => undefined,
};

/** A disk whose named operation throws on its n-th call (0: the next one). */
function faulty(): JournalDisk & {
  fail(what: "write" | "sync" | "create", code: string, times?: number): void;
} {
  let fault: { what: string; code: string; times: number } | undefined;
  const maybe = (what: string): void => {
    if (fault?.what !== what || fault.times-- <= 0) return;
    throw Object.assign(new Error(`${fault.code}: injected`), { code: fault.code });
  };
  return {
    ...quickDisk,
    create: (path, bytes) => (maybe("create"), quickDisk.create(path, bytes)),
    write: (fd, bytes, at) => (maybe("write"), quickDisk.write(fd, bytes, at)),
    sync: () => maybe("sync"),
    fail: (what, code, times = 1) => void (fault = { what, code, times }),
  };
}

describe("the journal", () => {
  it("gives back what was committed, in order, across many segments", () => {
    const { journal } = open();
    appendAll(journal, range(1, 40));
    journal.close();
    const again = open();
    expect(valuesOf(again.columns)).toEqual(range(1, 40));
    expect(again.damaged).toEqual([]);
    appendAll(again.journal, [41]);
    again.journal.close();
    expect(valuesOf(open().columns)).toEqual(range(1, 41));
  });

  it("uses its files over and over once their readings are packed, and keeps some for the feed", () => {
    const { journal } = open({ disk: quickDisk });
    for (const value of range(1, 500)) {
      journal.append([one(value)]);
      journal.release(value - 3);
      journal.prepare();
    }
    journal.close();
    expect(readdirSync(folder).length).toBeLessThanOrEqual(4);
    const { columns } = open({ packed: 497 });
    expect(valuesOf(columns)).toEqual([498, 499, 500]);
    const kept = [...framesAfter(folder, 0)].map(({ number }) => number);
    expect(kept.length).toBeGreaterThanOrEqual(7);
    expect(kept).toEqual(range(500 - kept.length + 1, 500));
  });

  it("never uses a number twice, also when everything is packed and opened anew", () => {
    const first = open().journal;
    appendAll(first, range(1, 9));
    first.close();
    const again = open({ packed: 9 }).journal;
    expect(appendOne(again, 10)).toBe(10);
    again.close();
  });

  it("writes a commit of several parts in several frames and segments", () => {
    const { journal } = open();
    journal.append(range(1, 20).map(one));
    expect(journal.lastFrame).toBe(20);
    journal.close();
    expect(valuesOf(open().columns)).toEqual(range(1, 20));
  });

  it("has everything before the cut, whatever page the power went at, and goes on from there", () => {
    const { journal } = open();
    appendAll(journal, range(1, 12));
    journal.close();
    const paths = readdirSync(folder)
      .toSorted()
      .map((name) => join(folder, name));
    fc.assert(
      fc.property(fc.nat({ max: 1 }), fc.integer({ min: 1, max: 7 }), (file, page) => {
        const path = String(paths[file]);
        const whole = readFileSync(path);
        writeFileSync(path, Buffer.from(whole).fill(0, page * PAGE_BYTES));
        // Zeros to the end of a file are a torn tail in the last segment, and damage in one before it.
        const opened = open();
        const lost = range(1, 12).filter((n) => Math.floor((n - 1) / 7) === file && (n - 1) % 7 >= page - 1);
        expect(valuesOf(opened.columns)).toEqual(range(1, 12).filter((n) => !lost.includes(n)));
        const said = opened.damaged.flatMap(({ from, to }) => range(from, to));
        expect(said).toEqual(file === 0 ? lost : []);
        opened.journal.close();
        writeFileSync(path, whole);
      }),
      { numRuns: 30 },
    );
  });

  it("steps over a damaged page, has all the others and says which frame is lost, and when it came", () => {
    const { journal } = open();
    appendAll(journal, range(1, 6));
    journal.close();
    const path = join(folder, "0001.segment");
    const bytes = readFileSync(path);
    bytes[3 * PAGE_BYTES + 50] = Number(bytes[3 * PAGE_BYTES + 50]) ^ 1;
    writeFileSync(path, bytes);
    const { columns, damaged } = open();
    expect(valuesOf(columns)).toEqual([1, 2, 4, 5, 6]);
    expect(damaged).toEqual([{ from: 3, to: 3, after: 1_780_000_000_002, before: 1_780_000_000_004 }]);
  });

  it("has its readings when a segment's first page is damaged", () => {
    const { journal } = open();
    appendAll(journal, range(1, 10));
    journal.close();
    const path = join(folder, "0001.segment");
    const bytes = readFileSync(path);
    bytes.fill(0xff, 0, 100);
    writeFileSync(path, bytes);
    expect(valuesOf(open().columns)).toEqual(range(1, 10));
  });

  it("takes nothing of an earlier round for new, whatever lies behind the last frame", () => {
    const { journal } = open({ disk: quickDisk });
    for (const value of range(1, 100)) {
      journal.append([one(value)]);
      journal.release(value);
    }
    journal.close();
    const { columns, journal: again } = open({ packed: 100 });
    expect(columns).toEqual([]);
    again.close();
  });

  it("removes a segment that was being made when the power went", () => {
    const { journal } = open();
    appendAll(journal, [1]);
    journal.close();
    copyFileSync(join(folder, "0001.segment"), join(folder, "0002.segment"));
    writeFileSync(join(folder, "0002.segment"), Buffer.alloc(SEGMENT));
    truncateSync(join(folder, "0002.segment"), PAGE_BYTES);
    open().journal.close();
    expect(readdirSync(folder)).toEqual(["0001.segment"]);
  });

  it("refuses a segment of a newer program", () => {
    const { journal } = open();
    appendAll(journal, [1]);
    journal.close();
    const path = join(folder, "0001.segment");
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 32)), 32);
    writeFileSync(path, bytes);
    expect(() => open()).toThrow(expect.objectContaining({ code: "RECORD_NEWER" }));
  });

  it.each([
    ["a write that finds no room", "write", "ENOSPC"],
    ["a write on a disk that became read-only", "write", "EROFS"],
    ["a sync that fails", "sync", "EIO"],
  ] as const)("rejects the commit after %s, and the next one goes to another segment", (_, what, code) => {
    const disk = faulty();
    const { journal } = open({ disk });
    appendAll(journal, [1, 2]);
    disk.fail(what, code);
    expect(() => journal.append([one(3)])).toThrow(code);
    expect(appendOne(journal, 4)).toBe(4);
    journal.close();
    expect(readdirSync(folder)).toHaveLength(2);
    const again = open();
    expect(valuesOf(again.columns)).toEqual([1, 2, 4]);
    expect(again.damaged).toEqual([]);
    again.journal.close();
  });

  it("takes nothing while no segment can be made, needs no file more for trying, and recovers by itself", () => {
    const disk = faulty();
    const { journal } = open({ disk });
    appendAll(journal, range(1, 7));
    disk.fail("create", "ENOSPC", 50);
    for (const value of range(8, 57)) expect(() => journal.append([one(value)])).toThrow("ENOSPC");
    expect(readdirSync(folder)).toHaveLength(1);
    journal.append([one(58)]);
    journal.close();
    const again = open();
    expect(valuesOf(again.columns)).toEqual([...range(1, 7), 58]);
    expect(again.damaged).toEqual([]);
    again.journal.close();
  });

  it("has exactly the acknowledged commits after any order of faults, releases and restarts", () => {
    const step = fc.constantFrom(
      "append",
      "append",
      "append",
      "append",
      "write",
      "sync",
      "create",
      "release",
      "restart",
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        for (const name of readdirSync(folder)) rmSync(join(folder, name));
        const disk = faulty();
        const kept: { frame: number; value: number }[] = [];
        let packed = 0;
        let journal = open({ disk }).journal;
        for (const [value, what] of steps.entries()) {
          if (what === "release") journal.release((packed = kept.at(-1)?.frame ?? packed));
          else if (what === "restart") {
            journal.close();
            const opened = open({ packed, disk });
            const expected = kept.filter(({ frame }) => frame > packed).map((entry) => entry.value);
            expect(valuesOf(opened.columns)).toEqual(expected);
            expect(opened.damaged).toEqual([]);
            ({ journal } = opened);
          } else {
            if (what !== "append") disk.fail(what, "EIO");
            try {
              kept.push({ frame: appendOne(journal, value), value });
            } catch (error) {
              expect(String(error)).toContain("EIO");
              // The next commit says in its segment which numbers were given up.
              kept.push({ frame: appendOne(journal, value), value });
            }
            disk.fail("sync", "", 0);
          }
        }
        journal.close();
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });
});
