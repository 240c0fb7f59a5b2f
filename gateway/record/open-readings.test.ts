import { afterEach, describe, expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading, type StreamId } from "../../domain/model/index.ts";
import { dice, type Dice } from "./blocks/fixtures/dice.ts";
import { openKept, type Kept } from "./fixtures/kept.ts";
import { openReadings } from "./open-readings.ts";
import type { Readings } from "./readings.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 15);
const power = streamId(deviceId("meter"), "activePower");
const voltage = streamId(deviceId("meter"), "voltage", "L1");
const soil = streamId(deviceId("probe"), "soilMoisture");

let kept: Kept;
let readings: Readings;
const open = (): void => {
  kept = openKept();
  readings = openReadings({ read: kept.db, hot: kept.hot });
};
afterEach(() => kept[Symbol.dispose]());

const at = (time: number, value = time, stream: StreamId = power): Reading => ({
  stream,
  time: instant(time),
  value,
  quality: "ok",
});

const anyReading = (d: Dice): Reading => {
  const sequence = d.below(3);
  return {
    stream: [power, voltage, soil][d.below(3)] ?? power,
    time: instant(START + d.below(40) * 20 * 60_000 + d.below(3)),
    value: d.below(100_000) / 10,
    quality: d.below(9) === 0 ? "stale" : "ok",
    ...(sequence > 0 && { sequence }),
  };
};

const byTime = (a: Reading, b: Reading) => a.time - b.time || (a.sequence ?? 0) - (b.sequence ?? 0);

describe("readings, hot and packed", () => {
  it("are what was kept, whatever is packed when, and also after a crash while packing", () => {
    const d = dice(4);
    for (let round = 0; round < 50; round++) {
      open();
      const model = new Map<string, Reading>();
      for (let step = 0; step < 8; step++) {
        const given = Array.from({ length: d.below(30) }, () => anyReading(d));
        kept.keep(given);
        for (const reading of given) {
          const key = `${reading.stream} ${reading.time} ${reading.sequence}`;
          if (!model.has(key)) model.set(key, reading);
        }
        if (d.below(3) === 0) kept.pack(d.below(2) === 0 ? "crash" : undefined);
      }
      const all = [...model.values()].toSorted(byTime);
      const from = START + d.below(10 * HOUR);
      const span = { from: instant(from), to: instant(from + d.below(8 * HOUR)) };
      const inSpan = all.filter(({ time }) => time >= span.from && time < span.to);
      for (const stream of [power, voltage, soil]) {
        const own = (list: readonly Reading[]) => list.filter((reading) => reading.stream === stream);
        expect(readings.between(stream, span)).toEqual(own(inSpan));
        expect(readings.byStream(span).get(stream) ?? []).toEqual(own(inSpan));
        const before = own(all).findLast(({ time }) => time < span.from && time >= span.from - HOUR);
        expect(readings.lastBefore(stream, span.from, { within: HOUR })).toEqual(before);
        expect(readings.firstTime([stream])).toEqual(own(all)[0]?.time);
      }
      const since = [...readings.since(span.from)];
      expect(since.toSorted((a, b) => byTime(a, b) || a.stream.localeCompare(b.stream))).toEqual(
        all
          .filter(({ time }) => time >= span.from)
          .toSorted((a, b) => byTime(a, b) || a.stream.localeCompare(b.stream)),
      );
      expect(since.map(({ time }) => time)).toEqual(since.map(({ time }) => time).toSorted((a, b) => a - b));
      kept[Symbol.dispose]();
    }
    open();
  });

  it("takes the start of a span and leaves its end", () => {
    open();
    kept.keep([at(30), at(10), at(20), at(15, 1, voltage)]);
    kept.pack();
    const span = { from: instant(10), to: instant(30) };
    expect(readings.between(power, span)).toEqual([at(10), at(20)]);
    expect(readings.byStream(span)).toEqual(
      new Map([
        [power, [at(10), at(20)]],
        [voltage, [at(15, 1, voltage)]],
      ]),
    );
    expect(readings.between(streamId(deviceId("nobody"), "voltage"), span)).toEqual([]);
  });

  it.each([
    ["the one just before", 20, 100, 10],
    ["none at the instant itself", 10, 100, undefined],
    ["none older than asked for", 50, 10, undefined],
  ])("finds the last reading before an instant: %s", (_, time, within, found) => {
    open();
    kept.keep([at(10), at(25), at(19, 1, voltage)]);
    kept.pack();
    expect(readings.lastBefore(power, instant(time), { within })?.time).toBe(found);
  });

  it("gives the newest reading of each stream, in order of their names", () => {
    open();
    kept.keep([at(10), at(30, -5), at(5, 1, voltage), at(7, 0.3, soil)]);
    kept.pack();
    kept.keep([at(20)]);
    expect(readings.latest({ since: instant(0) })).toEqual([at(30, -5), at(5, 1, voltage), at(7, 0.3, soil)]);
    expect(readings.latest({ since: instant(6) })).toEqual([at(30, -5), at(7, 0.3, soil)]);
    expect(readings.streamsOf("meter")).toEqual([power, voltage]);
  });

  it("crosses weeks without a reading at once", () => {
    open();
    const far = START + 400 * 24 * HOUR;
    kept.keep([at(START), at(far)]);
    kept.pack();
    kept.keep([at(far + 1)]);
    expect([...readings.since(instant(0))].map(({ time }) => time)).toEqual([START, far, far + 1]);
  });

  it("leaves a damaged block out, counts it, and serves its neighbours", () => {
    open();
    kept.keep([at(START), at(START + HOUR)]);
    kept.pack();
    kept.db.exec("UPDATE block SET data = zeroblob(length(data)) WHERE id = 1");
    const span = { from: instant(START), to: instant(START + 2 * HOUR) };
    expect(readings.between(power, span)).toEqual([at(START + HOUR)]);
    expect(readings.between(power, span)).toHaveLength(1);
    expect(readings.damaged()).toBe(1);
  });

  it("holds what was read lately, and lets go of what nobody asked for since the last rest", () => {
    open();
    kept.keep([at(START), at(START + HOUR)]);
    kept.pack();
    const of = (hour: number): Reading[] =>
      readings.between(power, { from: instant(START + hour * HOUR), to: instant(START + (hour + 1) * HOUR) });
    expect([of(0), of(1)]).toEqual([[at(START)], [at(START + HOUR)]]);
    // Whoever reads the file again finds nothing.
    kept.db.exec("UPDATE block SET data = zeroblob(length(data))");
    readings.rest();
    expect(of(1)).toHaveLength(1);
    readings.rest();
    expect([of(0), of(1)]).toEqual([[], [at(START + HOUR)]]);
    readings.rest();
    readings.rest();
    expect(of(1)).toEqual([]);
  });
});
