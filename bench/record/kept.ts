import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  addMs,
  deviceId,
  HOUR_MS,
  instant,
  streamId,
  type Instant,
  type Reading,
} from "../../domain/model/index.ts";
import { columnsOf } from "../../gateway/record/fixtures/kept.ts";
import { HotReadings } from "../../gateway/record/hot.ts";
import { openRecord } from "../../gateway/record/open.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { keepDays } from "../../gateway/record/upkeep.ts";
import { besidePeer, round, type BenchContext, type Figure } from "../bench.ts";
import { villageReadings } from "../support/village-readings.ts";
import { figure } from "./samples.ts";

/**
 * What readings cost when they are kept, and when they are asked for: bytes at rest on the simulated village (the whole
 * SQLite file, with roll-ups, after packing) beside plain SQLite rows; a member's day and year; memory of hot readings.
 */
const FROM = instant(Date.UTC(2026, 0, 1));
const DAY_MS = 86_400_000;
const VILLAGE = { households: 12, seed: 1, days: 4, daysLong: 30 };
/** The year is of one meter, a reading a minute. */
const YEAR_DAYS = 365;
const BATCH = 5_000;
const TRIES = 50;
const HOT_READINGS = 250_000;
/** What the last commits brought while the ones before were packed. */
const HOT_LEFT = 2;
const ZONE = "Africa/Nairobi";

export const keptReadings = async (context: BenchContext): Promise<Figure[]> => [
  ...(await village(context)),
  ...(await year(context)),
  hotMemory(),
];

async function village({ folder, long, signal }: BenchContext): Promise<Figure[]> {
  const to = addMs(FROM, (long ? VILLAGE.daysLong : VILLAGE.days) * DAY_MS);
  const path = join(folder, "village", "record.sqlite");
  const rows = openRows(join(folder, "rows.sqlite"));
  const clock = { now: FROM };
  let count = 0;
  {
    await using record = await openRecord({ path, now: () => clock.now, timeZone: ZONE });
    let batch: Reading[] = [];
    const flush = async (): Promise<void> => {
      signal.throwIfAborted();
      await record.append(batch);
      rows.insert(batch);
      clock.now = batch.at(-1)?.time ?? clock.now;
      count += batch.length;
      batch = [];
    };
    for await (const readings of villageReadings({ ...VILLAGE, from: FROM, to })) {
      batch.push(...readings);
      if (batch.length >= BATCH) await flush();
    }
    await flush();
    clock.now = addMs(to, 10 * DAY_MS);
    await settle(record, clock);
  }
  const ours = statSync(path).size / count;
  return [
    besidePeer(figure("bytes kept a reading, village at 1 and 5 min, file with roll-ups", ours, "B"), {
      name: "SQLite rows (time, stream), no roll-ups",
      value: round(rows.close() / count),
    }),
  ];
}

/** Hours go by until all is packed; then the days that are over are put together and rolled up. */
async function settle(record: RecordStore, clock: { now: Instant }): Promise<void> {
  const stream = streamId(deviceId("clock"), "voltage");
  do {
    clock.now = addMs(clock.now, HOUR_MS);
    await record.append([{ stream, time: clock.now, value: 1, quality: "ok" }]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (record.stats().readingsHot > HOT_LEFT);
  while ((await keepDays({ store: record, timeZone: ZONE }, clock.now)) > 0) continue;
}

function openRows(path: string): { insert(readings: readonly Reading[]): void; close(): number } {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE reading (time INTEGER, stream INTEGER,
    value REAL, quality INTEGER, PRIMARY KEY (time, stream)) WITHOUT ROWID`);
  const put = db.prepare("INSERT OR IGNORE INTO reading VALUES (?, ?, ?, 0)");
  const ids = new Map<string, number>();
  return {
    insert(readings) {
      db.exec("BEGIN");
      for (const { stream, time, value } of readings) {
        const id = ids.get(stream) ?? ids.size;
        ids.set(stream, id);
        put.run(time, id, value);
      }
      db.exec("COMMIT");
    },
    close() {
      db.close();
      return statSync(path).size;
    },
  };
}

async function year({ folder, signal }: BenchContext): Promise<Figure[]> {
  const path = join(folder, "year", "record.sqlite");
  const power = streamId(deviceId("meter"), "activePower");
  const clock = { now: FROM };
  await using record = await openRecord({ path, now: () => clock.now, timeZone: ZONE });
  for (let day = 0; day < YEAR_DAYS; day++) {
    signal.throwIfAborted();
    clock.now = addMs(FROM, day * DAY_MS);
    await record.append(dayOfPower(power, clock.now));
  }
  const end = addMs(FROM, YEAR_DAYS * DAY_MS);
  clock.now = addMs(end, 10 * DAY_MS);
  await settle(record, clock);
  const whole = { from: FROM, to: end };
  return [
    figure(
      "a stream's day, 1,440 readings, cold (median)",
      time((at) => readDay(record, power, at)),
      "ms",
    ),
    figure(
      "the same day again (median)",
      time(() => readDay(record, power, 7)),
      "ms",
    ),
    figure(
      "a stream's year by day (median)",
      time(() => record.readings.rollUps(power, whole, "day")),
      "ms",
    ),
    figure(
      "a stream's month by quarter hour (median)",
      time(() => record.readings.rollUps(power, { from: FROM, to: addMs(FROM, 30 * DAY_MS) }, "quarter")),
      "ms",
    ),
  ];
}

const dayOfPower = (stream: Reading["stream"], from: Instant): Reading[] =>
  Array.from({ length: 1_440 }, (_, minute) => ({
    stream,
    time: addMs(from, minute * 60_000 + ((minute * 7) % 11)),
    value: Math.round(400 + 300 * Math.sin(minute / 229) + ((minute * 7_919) % 97)),
    quality: "ok" as const,
  }));

const readDay = (record: RecordStore, stream: Reading["stream"], day: number): Reading[] =>
  record.readings.between(stream, { from: addMs(FROM, day * DAY_MS), to: addMs(FROM, (day + 1) * DAY_MS) });

/** @returns median, ms */
function time(work: (round: number) => unknown): number {
  const taken = Array.from({ length: TRIES }, (_, round) => {
    const start = performance.now();
    work(round * 5);
    return performance.now() - start;
  });
  return taken.toSorted((a, b) => a - b)[TRIES >> 1] ?? 0;
}

/** Collects garbage, so that only what is held counts. */
function collect(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

function hotMemory(): Figure {
  collect();
  const hot = new HotReadings();
  const before = process.memoryUsage().arrayBuffers;
  for (let at = 0; at < HOT_READINGS; at += 500) {
    const readings = Array.from({ length: 500 }, (_, stream): Reading => ({
      stream: streamId(deviceId(`meter-${stream}`), "activePower"),
      time: addMs(FROM, at),
      value: stream,
      quality: "ok",
    }));
    hot.add(columnsOf(readings, (name) => Number(/\d+/.exec(name)?.[0])));
  }
  collect();
  const used = process.memoryUsage().arrayBuffers - before;
  return figure("memory of a hot reading, 500 streams", used / HOT_READINGS, "B");
}
