import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import { FEED_START, RecordFeed, type Feed, type FeedCursor } from "./feed.ts";
import type { ReadingColumns } from "./blocks/columns.ts";
import { packSlice } from "./blocks/pack.ts";
import { PAGE_BYTES } from "./journal/frame.ts";
import { openJournal } from "./journal/journal.ts";
import { openRecord } from "./open.ts";
import { openForWriting } from "./sqlite.ts";
import { StreamNames } from "./stream-names.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const power = streamId(deviceId("meter"), "activePower");
/** A reading whose value tells it. */
const at = (value: number, time = NOON + value * 1_000): Reading => ({
  stream: power,
  time: instant(time),
  value,
  quality: "ok",
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-feed-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = () => openRecord({ path: join(folder, "record.sqlite") });

/** All that the feed has after a cursor, as values, and where it ends. */
function drain(feed: Feed, from: FeedCursor, max = 1_000): { values: number[]; cursor: FeedCursor } {
  const values: number[] = [];
  for (let cursor = from; ;) {
    const batch = feed.after(cursor, max);
    if (batch.cursor === cursor) return { values, cursor };
    values.push(...batch.readings.map(({ value }) => value));
    ({ cursor } = batch);
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("the feed", () => {
  it("gives readings in the order of their commits, late ones when they came", async () => {
    await using record = await open();
    await record.append([at(3)]);
    await record.append([at(1), at(2)]);
    await record.append([{ ...at(4, NOON - 86_400_000), quality: "estimated", sequence: 7 }]);
    const { readings } = record.feed.after(FEED_START, 10);
    expect(readings).toEqual([
      at(3),
      at(1),
      at(2),
      { ...at(4, NOON - 86_400_000), quality: "estimated", sequence: 7 },
    ]);
  });

  it("stops at about as many as were asked for, and goes on from there", async () => {
    await using record = await open();
    for (const value of range(1, 10)) await record.append([at(value)]);
    const first = record.feed.after(FEED_START, 4);
    expect(first.readings.map(({ value }) => value)).toEqual([1, 2, 3, 4]);
    expect(drain(record.feed, first.cursor).values).toEqual(range(5, 10));
  });

  it("has nothing after its end, and wakes who waits there with the next commit", async () => {
    await using record = await open();
    await record.append([at(1)]);
    const end = record.feed.end();
    expect(record.feed.after(end, 10)).toEqual({ readings: [], cursor: end });
    const woken = record.feed.wait(end, new AbortController().signal);
    await record.append([at(2)]);
    await woken;
    expect(drain(record.feed, end).values).toEqual([2]);
  });

  it("lets go of who waits when the signal says so", async () => {
    await using record = await open();
    const stop = new AbortController();
    const waiting = record.feed.wait(record.feed.end(), stop.signal);
    stop.abort();
    await waiting;
  });

  it("goes on after a restart where the cursor stands, from the journal's files", async () => {
    let cursor: FeedCursor;
    {
      await using record = await open();
      for (const value of range(1, 5)) await record.append([at(value)]);
      ({ cursor } = record.feed.after(FEED_START, 3));
    }
    await using record = await open();
    expect(drain(record.feed, cursor).values).toEqual([4, 5]);
    await record.append([at(6)]);
    expect(drain(record.feed, cursor, 1).values).toEqual([4, 5, 6]);
  });

  it("refuses a cursor that it did not make", async () => {
    await using record = await open();
    expect(() => record.feed.after("yesterday", 10)).toThrow(
      expect.objectContaining({ code: "MESSAGE_INVALID" }),
    );
  });

  it("begins again at what is packed for a cursor of a record that had come further", async () => {
    await using record = await open();
    await record.append([at(1)]);
    expect(drain(record.feed, "999999").values).toEqual([1]);
  });
});

describe("the feed of a journal whose segments are used again", () => {
  /** Seven frames a segment, a reading a frame; packed and released after each tenth, as long as there is no fault. */
  function aged(place: string, frames: number) {
    const db = openForWriting(join(place, "record.sqlite"));
    db.prepare("INSERT INTO stream (id, name) VALUES (1, ?)").run(power);
    const journals = join(place, "journal");
    const small = { segmentBytes: 8 * PAGE_BYTES, keptBytes: 8 * PAGE_BYTES };
    const { journal } = openJournal({ folder: journals, packed: 0, ...small }, 0);
    let packed = 0;
    for (let value = 1; value <= frames; value++) {
      journal.append([columnsOf([value])]);
      if (value % 10 !== 0) continue;
      packSlice(db, {
        columns: columnsOf(range(packed + 1, value)),
        firstFrame: packed + 1,
        lastFrame: value,
      });
      packed = value;
      journal.release(packed);
    }
    journal.close();
    const state = { last: frames, packed, bytes: 0 };
    const feed = new RecordFeed({
      folder: journals,
      read: db,
      names: new StreamNames(db),
      journal: () => state,
    });
    return { feed, [Symbol.dispose]: () => db.close() };
  }

  const columnsOf = (values: readonly number[]): ReadingColumns => ({
    count: values.length,
    streams: new Uint32Array(values.length).fill(1),
    times: Float64Array.from(values, (value) => NOON + value * 1_000),
    values: Float64Array.from(values),
    qualities: new Uint8Array(values.length),
  });

  let feed: Feed;
  let close: () => void;
  beforeAll(() => {
    const place = mkdtempSync(join(tmpdir(), "fieldwatt-feed-"));
    const old = aged(place, 95);
    ({ feed } = old);
    close = () => {
      old[Symbol.dispose]();
      rmSync(place, { recursive: true });
    };
  });
  afterAll(() => close());

  it.each([1, 7, 1_000])("gives everything once from the beginning, %i at a time", (max) => {
    expect(drain(feed, FEED_START, max).values).toEqual(range(1, 95));
  });

  it.each(range(0, 94))(
    "goes on after frame %i: nothing is left out, and a pack is repeated at most",
    (frame) => {
      const { values, cursor } = drain(feed, String(frame), 5);
      const first = Number(values[0]);
      expect(values).toEqual(range(first, 95));
      expect(first).toBeLessThanOrEqual(frame + 1);
      expect(first).toBeGreaterThan(frame + 1 - 10);
      expect(cursor).toBe("95");
    },
  );

  it("repeats nothing as far back as the journal reaches", () => {
    expect(drain(feed, "85").values).toEqual(range(86, 95));
  });
});
