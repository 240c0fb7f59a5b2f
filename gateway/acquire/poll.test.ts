import { describe, expect, it } from "vitest";
import { FieldwattError, instant } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { createDeviceStates } from "./device-state.ts";
import { pollBus, type PolledDevice } from "./poll.ts";

const NOON = instant(Date.UTC(2026, 5, 15, 12));
const INTERVAL = 10_000;
/** What a healthy answer takes on the bus, and what silence costs, ms. */
const ANSWER = 50;
const TIMEOUT = 1_000;

interface Asked {
  readonly id: string;
  readonly what: "read" | "probe";
  readonly at: number;
}

/** A bus in virtual time; `dead` says who does not answer at the moment. */
async function bus(
  ids: readonly string[],
  { dead = () => false, share = 1 }: { dead?: (id: string) => boolean; share?: number } = {},
) {
  const clock = new ManualClock(NOON);
  const asked: Asked[] = [];
  const lines: string[] = [];
  const log = openLog("poll", { write: (line: string) => void lines.push(line) });
  const states = createDeviceStates(ids.map((id) => ({ id, interval: INTERVAL })));
  const stop = new AbortController();
  const ask = async (id: string, what: Asked["what"]): Promise<void> => {
    asked.push({ id, what, at: clock.now() - NOON });
    await clock.sleep(dead(id) ? TIMEOUT : ANSWER);
    if (dead(id)) throw new FieldwattError("DEVICE_TIMEOUT", `unit of ${id} gave no answer`);
  };
  const devices = ids.map((id): PolledDevice => {
    const read = async () => {
      await ask(id, "read");
      return { samples: [], problems: [] };
    };
    return { id, interval: INTERVAL, read, probe: () => ask(id, "probe"), keep: () => Promise.resolve() };
  });
  const done = pollBus(devices, { clock, states, log, signal: stop.signal, share });
  // The first request is on its way before time moves.
  await clock.advance(0);
  return {
    clock,
    asked,
    lines,
    states,
    of: (id: string) => asked.filter((one) => one.id === id),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await clock.advance(10 * TIMEOUT);
      await done;
    },
  };
}

const ten = Array.from({ length: 10 }, (_, index) => `meter-${index + 1}`);
const gaps = (asked: readonly Asked[]): number[] =>
  asked.slice(1).map((one, index) => one.at - (asked[index]?.at ?? 0));

describe("a bus with one dead unit of ten", () => {
  it("asks the other nine every 10 s, on time but for the first failure", async () => {
    await using field = await bus(ten, { dead: (id) => id === "meter-5" });
    await field.clock.advance(30 * 60_000 + 5_000);
    for (const id of ten.filter((one) => one !== "meter-5")) {
      const healthy = field.of(id);
      expect(healthy).toHaveLength(181);
      // Within the time that the nine take themselves; the very first failure alone costs one time-out.
      expect(Math.max(...gaps(healthy.slice(1)))).toBeLessThanOrEqual(INTERVAL + 10 * ANSWER);
    }
  });

  it("waits 2 s, 4 s, 6 s … but ten time-outs at least, and then only probes", async () => {
    await using field = await bus(["meter-1"], { dead: () => true });
    await field.clock.advance(2 * 60_000);
    const [first, ...later] = field.asked;
    expect(first).toMatchObject({ what: "read", at: 0 });
    expect(later.every(({ what }) => what === "probe")).toBe(true);
    // 10 × 1 s of failure is longer than 2 s … 10 s; from the sixth failure on 2 s × n counts.
    expect(gaps(field.asked)).toEqual([11, 11, 11, 11, 11, 13, 15, 17, 19].map((s) => s * 1_000));
  });

  it("waits 5 min at most", async () => {
    await using field = await bus(["meter-1"], { dead: () => true });
    await field.clock.advance(48 * 3_600_000);
    expect(Math.max(...gaps(field.asked))).toBe(300_000 + TIMEOUT);
  });

  it("reads it whole again at once when a probe is answered, and says both in the log by name", async () => {
    let dead = true;
    await using field = await bus(["meter-1", "meter-2"], { dead: (id) => id === "meter-2" && dead });
    await field.clock.advance(15_000);
    expect(field.states.all(field.clock.now())).toMatchObject([
      { id: "meter-1", failures: 0 },
      { id: "meter-2", state: "backingOff", error: "unit of meter-2 gave no answer" },
    ]);
    dead = false;
    await field.clock.advance(30_000);
    const after = field.of("meter-2").slice(-4);
    expect(after.map(({ what }) => what)).toEqual(["probe", "read", "read", "read"].slice(-after.length));
    expect(field.states.all(field.clock.now())[1]).toMatchObject({ failures: 0 });
    const told = field.lines
      .map((line) => JSON.parse(line) as { device?: string; msg: string; because?: string })
      .filter(({ device }) => device === "meter-2");
    expect(told).toMatchObject([
      {
        msg: "a device does not answer; the others go on",
        because: "unit of meter-2 gave no answer",
      },
      { msg: "a device answers again" },
    ]);
  });
});

describe("a bus that is too busy for a probe", () => {
  it("makes room for one after five minutes", async () => {
    // One device leaves 0.4 s of every second, and a probe may need 1 s.
    const clock = new ManualClock(NOON);
    const probes: number[] = [];
    const stop = new AbortController();
    const log = openLog("poll", { write: () => undefined });
    const states = createDeviceStates([
      { id: "busy", interval: 1_000 },
      { id: "dead", interval: INTERVAL },
    ]);
    const nothing = { samples: [], problems: [] };
    const fail = async (): Promise<never> => {
      probes.push(clock.now() - NOON);
      await clock.sleep(TIMEOUT);
      throw new FieldwattError("DEVICE_TIMEOUT", "unit 2 gave no answer");
    };
    const busy: PolledDevice = {
      id: "busy",
      interval: 1_000,
      read: async () => {
        await clock.sleep(600);
        return nothing;
      },
      probe: () => Promise.resolve(),
      keep: () => Promise.resolve(),
    };
    const dead: PolledDevice = { ...busy, id: "dead", interval: INTERVAL, read: fail, probe: fail };
    const done = pollBus([busy, dead], { clock, states, log, signal: stop.signal });
    await clock.advance(0);
    await clock.advance(11 * 60_000);
    stop.abort();
    await clock.advance(2 * TIMEOUT);
    await done;
    expect(probes.length).toBe(3);
    expect(Math.min(...gaps(probes.map((at) => ({ id: "dead", what: "probe", at }))))).toBeGreaterThan(
      300_000,
    );
  });
});

it("skips turns instead of falling behind, and asks everybody in turn", async () => {
  await using field = await bus(Array.from({ length: 300 }, (_, index) => `meter-${index}`));
  await field.clock.advance(60_000);
  const counts = new Set(Array.from({ length: 300 }, (_, index) => field.of(`meter-${index}`).length));
  // 300 × 50 ms is 15 s, longer than the interval of 10 s.
  expect([...counts].every((count) => count >= 4 && count <= 5)).toBe(true);
});

it("goes on within an interval when the clock is set back by a year", async () => {
  let back = 0;
  const clock = new ManualClock(NOON);
  const stop = new AbortController();
  const asked: number[] = [];
  const stepped = {
    now: () => instant(clock.now() - back),
    trusted: () => true,
    speed: 1,
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
  };
  const device = (id: string): PolledDevice => ({
    id,
    interval: INTERVAL,
    read: async () => {
      asked.push(clock.now() - NOON);
      await clock.sleep(ANSWER);
      return { samples: [], problems: [] };
    },
    probe: () => Promise.resolve(),
    keep: () => Promise.resolve(),
  });
  const states = createDeviceStates([]);
  const log = openLog("poll", { write: () => undefined });
  const done = pollBus([device("a"), device("b")], { clock: stepped, states, log, signal: stop.signal });
  await clock.advance(0);
  await clock.advance(25_000);
  back = 365 * 86_400_000;
  const before = asked.length;
  await clock.advance(30_000);
  stop.abort();
  await clock.advance(1_000);
  await done;
  expect(asked.length - before).toBeGreaterThanOrEqual(4);
});

describe("a bus whose answers wait for their commit", () => {
  /** Answers at once; `keep` resolves when the test says so. */
  async function slowDisk(interval: number) {
    const clock = new ManualClock(NOON);
    const stop = new AbortController();
    const log = openLog("poll", { write: () => undefined });
    const states = createDeviceStates([{ id: "meter", interval }]);
    const commits: PromiseWithResolvers<undefined>[] = [];
    let reads = 0;
    const device: PolledDevice = {
      id: "meter",
      interval,
      read: () => Promise.resolve({ samples: [], problems: [], read: ++reads }),
      probe: () => Promise.resolve(),
      keep() {
        const commit = Promise.withResolvers<undefined>();
        commits.push(commit);
        return commit.promise;
      },
    };
    const done = pollBus([device], { clock, states, log, signal: stop.signal });
    await clock.advance(0);
    return {
      clock,
      commits,
      states,
      reads: () => reads,
      async [Symbol.asyncDispose]() {
        stop.abort();
        for (const commit of commits) commit.resolve(undefined);
        await clock.advance(interval);
        for (const commit of commits) commit.resolve(undefined);
        await done;
      },
    };
  }

  it("goes on asking, and counts an answer when it is durable", async () => {
    await using bus = await slowDisk(1_000);
    await bus.clock.advance(5_000);
    expect(bus.reads()).toBe(6);
    bus.commits[0]?.reject(new FieldwattError("RECORD_FAILED", "no room"));
    await bus.clock.advance(0);
    expect(bus.states.all(bus.clock.now())).toMatchObject([{ failures: 1, error: "no room" }]);
    bus.commits[1]?.resolve(undefined);
    await bus.clock.advance(0);
    expect(bus.states.all(bus.clock.now())).toMatchObject([{ failures: 0 }]);
  });

  it("waits when 64 answers wait, and goes on when one of them is durable", async () => {
    await using bus = await slowDisk(1_000);
    await bus.clock.advance(100_000);
    expect(bus.reads()).toBe(64);
    bus.commits[0]?.resolve(undefined);
    await bus.clock.advance(1_000);
    expect(bus.reads()).toBe(65);
  });
});

it.each([
  [0.25, [0, 2_500, 12_500, 22_500]],
  [1, [0, 10_000, 20_000]],
])("begins at once, waits %s of its interval, and then whole ones", async (share, times) => {
  await using field = await bus(["meter-1"], { share });
  await field.clock.advance(25_000);
  expect(field.asked.map(({ at }) => at)).toEqual(times);
});
