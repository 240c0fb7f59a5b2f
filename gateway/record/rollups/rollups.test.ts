import { expect, it } from "vitest";
import {
  addMs,
  dayBounds,
  deviceId,
  instant,
  streamId,
  type Day,
  type Instant,
  type Reading,
} from "../../../domain/model/index.ts";
import { openKept, type Kept } from "../fixtures/kept.ts";
import { openReadings } from "../open-readings.ts";
import { transact } from "../transact.ts";
import { keepDays } from "../upkeep.ts";
import { upkeepCommands } from "../upkeep-commands.ts";
import { decodeQuarters, encodeQuarters } from "./codec.ts";

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const HOUR = 60 * MINUTE;
const power = streamId(deviceId("meter"), "activePower");

const at = (time: number, value: number, quality: Reading["quality"] = "ok"): Reading => ({
  stream: power,
  time: instant(time),
  value,
  quality,
});

const readingsOf = (kept: Kept, timeZone: string) => openReadings({ read: kept.db, hot: kept.hot, timeZone });

/** The record's upkeep on this connection. */
const upkeep = (kept: Kept, timeZone: string, now: Instant) =>
  keepDays(
    {
      timeZone,
      store: {
        read: kept.db,
        run: (name, input) =>
          Promise.resolve(
            transact(kept.db, () => (upkeepCommands[name] as (...args: unknown[]) => never)(kept.db, input)),
          ),
      },
    },
    now,
  );

const rowsOf = (kept: Kept) => kept.db.prepare("SELECT start, count FROM rollup ORDER BY start").all();

it("weighs a mean by the time for which each value stood", () => {
  using kept = openKept();
  const start = Date.UTC(2026, 5, 15);
  // 100 W for 5 min, 400 W for 10 min; from 00:15 on 0 W, believed until 00:30.
  kept.keep([at(start, 100), at(start + 5 * MINUTE, 400), at(start + QUARTER, 0)]);
  const [first, second] = readingsOf(kept, "UTC").rollUps(
    power,
    { from: instant(start), to: instant(start + HOUR) },
    "quarter",
  );
  expect(first).toEqual({
    start,
    end: start + QUARTER,
    first: 100,
    last: 400,
    min: 100,
    max: 400,
    mean: 300,
    count: 2,
    coverage: 1,
  });
  expect(second).toMatchObject({ mean: 0, count: 1, coverage: 1 });
});

it.each([
  ["a silence", [at(0, 10), at(2 * HOUR, 20)], { count: 2, mean: 15, coverage: 0.5 / 24 }],
  [
    "a value that must not be used",
    [at(0, 10), at(5 * MINUTE, 99, "sentinel")],
    { count: 1, max: 10, coverage: 5 / 1440 },
  ],
  ["a day of bad values", [at(0, 10, "stale")], undefined],
])("does not count %s", (_, given, expected) => {
  using kept = openKept();
  const start = Date.UTC(2026, 5, 15);
  kept.keep(given.map((reading) => ({ ...reading, time: addMs(reading.time, start) })));
  const span = { from: instant(start), to: instant(start + 24 * HOUR) };
  const [day] = readingsOf(kept, "UTC").rollUps(power, span, "day");
  if (expected) expect(day).toMatchObject(expected);
  else expect(day).toBeUndefined();
});

// Summer time of the EU in 2026 begins on 29 March and ends on 25 October (Directive 2000/84/EC).
it.each([
  ["Europe/Vienna", "2026-03-29", 92],
  ["Europe/Vienna", "2026-06-15", 96],
  ["Europe/Vienna", "2026-10-25", 100],
  ["Asia/Kathmandu", "2026-06-15", 96],
  ["Africa/Nairobi", "2026-06-15", 96],
])(
  "%s on %s: %i quarter hours, kept when the day is over and the same as before",
  async (zone, day, quarters) => {
    using kept = openKept();
    const { start, end } = dayBounds(day as Day, zone);
    const minutes = (end - start) / MINUTE;
    kept.keep(
      Array.from({ length: minutes }, (_, minute) => at(start + minute * MINUTE, (minute * 7) % 100)),
    );
    const span = { from: start, to: end };
    const hot = readingsOf(kept, zone).rollUps(power, span, "quarter");
    const hotDay = readingsOf(kept, zone).rollUps(power, span, "day");
    kept.pack();
    // Not over for long enough.
    await upkeep(kept, zone, end);
    expect(rowsOf(kept)).toEqual([]);
    await upkeep(kept, zone, addMs(end, 3 * 24 * HOUR));
    expect(rowsOf(kept)).toEqual([{ start, count: minutes }]);
    const packed = readingsOf(kept, zone).rollUps(power, span, "quarter");
    expect([hot.length, packed.length, packed.reduce((sum, { count }) => sum + count, 0)]).toEqual([
      quarters,
      quarters,
      minutes,
    ]);
    expect(packed.map(({ mean, ...rest }) => ({ ...rest, mean: mean.toFixed(1) }))).toEqual(
      hot.map(({ mean, ...rest }) => ({ ...rest, mean: mean.toFixed(1) })),
    );
    expect(readingsOf(kept, zone).rollUps(power, span, "day")).toEqual(hotDay);
  },
);

it("is made again when late data arrive, and is right in between", async () => {
  using kept = openKept();
  const start = Date.UTC(2026, 5, 15);
  const later = instant(start + 4 * 24 * HOUR);
  const span = { from: instant(start), to: instant(start + 24 * HOUR) };
  const counts = () =>
    readingsOf(kept, "UTC")
      .rollUps(power, span, "day")
      .map(({ count, max }) => [count, max]);
  kept.keep(Array.from({ length: 500 }, (_, minute) => at(start + minute * MINUTE, 1)));
  kept.pack();
  expect(await upkeep(kept, "UTC", later)).toBe(1);
  kept.keep([at(start + 20 * HOUR, 50)]);
  expect(counts()).toEqual([[501, 50]]);
  kept.pack();
  expect(counts()).toEqual([[501, 50]]);
  expect(rowsOf(kept)).toEqual([{ start, count: 500 }]);
  expect(await upkeep(kept, "UTC", later)).toBe(1);
  expect(rowsOf(kept)).toEqual([{ start, count: 501 }]);
  expect(await upkeep(kept, "UTC", later)).toBe(0);
  // Blocks of the day are one now.
  expect(kept.db.prepare("SELECT count(*) AS n FROM block").get()).toEqual({ n: 1 });
});

it("keeps quarter hours as they were, means to one digit more than the values", () => {
  const quarters = Array.from({ length: 100 }, (_, at) => ({
    start: instant(1_000_000 + at * QUARTER),
    end: instant(1_000_000 + (at + 1) * QUARTER),
    first: 230.1 + at,
    last: 230.4,
    min: 229.9,
    max: 400.5,
    mean: 230.12,
    count: at + 1,
    coverage: 0.9999,
  }));
  expect(decodeQuarters(1_000_000, encodeQuarters(1_000_000, quarters))).toEqual(
    quarters.map((quarter, at) => ({ ...quarter, first: quarters[at]?.first })),
  );
});
