import { expect, it } from "vitest";
import { deviceId, instant, type Reading, type Sample } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { keeper } from "./keep.ts";

const NOON = instant(Date.UTC(2026, 5, 15, 12));
const placement = {
  device: deviceId("meter-1"),
  mounting: "grid",
  reversed: false,
  generator: false,
} as const;
const watts: Sample = { quantity: "activePower", value: 400 };

/** A clock that somebody sets. */
class SteppedClock extends ManualClock {
  private back = 0;
  setBack(ms: number): void {
    this.back = ms;
  }
  override now() {
    return instant(super.now() - this.back);
  }
}

function kit(start: number = NOON) {
  const clock = new SteppedClock(instant(start));
  const kept: Reading[] = [];
  const events: string[] = [];
  const warned: object[] = [];
  const keep = keeper({
    clock,
    store: {
      async append(readings) {
        await Promise.resolve();
        kept.push(...readings);
        events.push("commit");
      },
    },
    log: { warn: (details: object) => void warned.push(details) },
    onKept: (_device, readings) => void events.push(`told ${readings.length}`),
  });
  const say = (...samples: Sample[]) => keep(placement, { samples, problems: [] });
  return { clock, kept, events, warned, say };
}

it("never stamps two messages of one device with the same millisecond", async () => {
  const { kept, say } = kit();
  await Promise.all(Array.from({ length: 50 }, () => say(watts)));
  expect(new Set(kept.map(({ time }) => time)).size).toBe(50);
  expect(kept[0]?.time).toBe(NOON);
});

const keyOf = ({ time, sequence = 0 }: Reading): string => `${time} ${sequence}`;

it("keeps each of ten thousand messages that come at once, no further ahead than a second", async () => {
  const { kept, say } = kit();
  for (let i = 0; i < 10_000; i++) await say({ ...watts, value: i });
  expect(new Set(kept.map(keyOf)).size).toBe(10_000);
  expect(Math.max(...kept.map(({ time }) => time - NOON))).toBe(1_000);
});

it("keeps what comes while a clock that was set back goes over the same time again, twice", async () => {
  const { clock, kept, say } = kit();
  for (const back of [0, 5_000, 10_000]) {
    clock.setBack(back);
    for (let i = 0; i < 50; i++) {
      await say(watts);
      await clock.advance(100);
    }
  }
  expect(new Set(kept.map(keyOf)).size).toBe(150);
  expect(kept.at(-1)?.time).toBeLessThan(NOON + 5_000);
});

it("gives the values of one message one time", async () => {
  const { kept, say } = kit();
  await say(watts, { quantity: "voltage", value: 230 });
  expect(kept.map(({ time }) => time)).toEqual([NOON, NOON]);
});

it("follows a clock that was set back by more than a second", async () => {
  const { clock, kept, say } = kit(NOON + 3_600_000);
  await say(watts);
  clock.setBack(3_600_000);
  await say(watts);
  expect(kept.map(({ time }) => time - NOON)).toEqual([3_600_000, 0]);
});

it("keeps a logger's backlog at the logger's own times", async () => {
  const { kept, say } = kit();
  const times = [3, 2, 1].map((hours) => instant(NOON - hours * 3_600_000));
  await say(...times.map((time) => ({ ...watts, time })));
  expect(kept.map(({ time }) => time)).toEqual(times);
});

it("does not keep what is stamped more than five minutes ahead, keeps the rest, and warns once", async () => {
  const { kept, warned, say } = kit();
  const ahead = { ...watts, time: instant(NOON + 3_600_000) };
  await say(ahead, watts);
  await say(ahead);
  expect(kept).toHaveLength(1);
  expect(warned).toEqual([{ device: "meter-1" }]);
});

it("tells what is kept after the commit, and nothing where nothing was said", async () => {
  const { events, say } = kit();
  await say();
  await say(watts);
  expect(events).toEqual(["commit", "told 1"]);
});

it("passes a sample's quality on; without one it is ok", async () => {
  const { kept, say } = kit();
  await say(watts, { quantity: "voltage", value: 999, quality: "implausible" });
  expect(kept.map(({ quality }) => quality)).toEqual(["ok", "implausible"]);
});

it("lets readings wait for their time, with the device's own stamp, while the clock is not trusted", async () => {
  const clock = new SteppedClock(NOON);
  clock.trust(false);
  const waiting: unknown[] = [];
  const told: string[] = [];
  const keep = keeper({
    clock,
    store: { append: () => Promise.reject(new Error("nothing is stamped")) },
    log: { warn: () => undefined },
    time: {
      uptime: () => 5_000.7,
      isSure: () => true,
      keepUndated: (readings, uptime) => Promise.resolve(void waiting.push([uptime, ...readings])),
    },
    onKept: () => void told.push("kept"),
    onUndated: () => void told.push("undated"),
  });
  await keep(placement, { samples: [watts], problems: [] });
  await keep(placement, { samples: [{ ...watts, time: instant(7) }], problems: [] });
  const kept = { stream: "meter-1/activePower", value: 400, quality: "ok" };
  expect(waiting).toEqual([
    [5_000, kept],
    [5_001, { ...kept, own: 7 }],
  ]);
  expect(told).toEqual(["undated", "undated"]);
});

it.each<[string, Sample, string]>([
  ["says so of a reading that a clock in doubt stamps", watts, "estimated"],
  ["believes a device's own stamp all the same", { ...watts, time: NOON }, "ok"],
  ["leaves a value that must not be used what it is", { ...watts, quality: "sentinel" }, "sentinel"],
])("%s", async (_name, sample, quality) => {
  const kept: Reading[] = [];
  const keep = keeper({
    clock: new SteppedClock(NOON),
    store: { append: (readings) => Promise.resolve(void kept.push(...readings)) },
    log: { warn: () => undefined },
    time: { uptime: () => 0, isSure: () => false, keepUndated: () => Promise.resolve() },
    onKept: () => undefined,
  });
  await keep(placement, { samples: [sample], problems: [] });
  expect(kept.map((reading) => reading.quality)).toEqual([quality]);
});
