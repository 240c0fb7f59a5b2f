import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FieldwattError } from "../../domain/model/index.ts";
import type { ModbusLine } from "../../drivers/modbus/line.ts";
import type { Answer } from "../../drivers/modbus/pdu.ts";
import type { ReadRequest } from "../../drivers/modbus/pdu.ts";
import { rtuLine } from "../../drivers/modbus/rtu.ts";
import type { HeedfulPort } from "../../drivers/serial/port.ts";
import { random } from "../../simulators/village/random.ts";
import { expectedWords, scriptedSlave, type LineScript, type Mishap } from "./line-slave.ts";
import { askAll, below, FAST_TIMEOUT_MS, mishapScript, together, type Tally } from "./late-reply-lane.ts";

/**
 * The same slave and the same line on a wire in memory and under a clock of our own, so that the slave keeps to its script
 * to the millisecond, and replies can be seconds late. And so that the master can stand still at every moment: bytes
 * that have arrived wait in the machine, and are handed over up to `readLateMs` later, while timers run on time. That is
 * what a real program sees after it stood still: its timers first, what came meanwhile afterwards.
 */
const SEED = 20260615;
const COPY_MS = 50;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Moves the clock from timer to timer until the work is done. */
async function finished<Result>(work: Promise<Result>): Promise<Result> {
  let over = false;
  const end = (): void => void (over = true);
  work.then(end, end);
  for (await turn(); !over; await turn()) vi.advanceTimersToNextTimer();
  return work;
}

interface Wire {
  readonly port: HeedfulPort;
  readonly slave: Parameters<typeof scriptedSlave>[0];
}

/** `turnMs`: from a request to its reply at the earliest. */
function openWire(readLateMs: () => number, turnMs: number): Wire {
  let toMaster: (bytes: Uint8Array) => void = () => undefined;
  let toSlave: (bytes: Uint8Array) => void = () => undefined;
  const arrived: Uint8Array[] = [];
  const read = (): void => arrived.splice(0).forEach((bytes) => toMaster(bytes));
  return {
    slave: {
      onData: (listener) => void (toSlave = listener),
      write(bytes) {
        arrived.push(Uint8Array.from(bytes));
        setTimeout(read, readLateMs());
      },
    },
    port: {
      write: async (bytes) => void setTimeout(() => toSlave(bytes), turnMs),
      onData: (listener) => void (toMaster = listener),
      onClose: () => undefined,
      caughtUp: async () => {
        read();
        return true;
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
}

function openLane(script: LineScript, readLateMs: () => number = () => 0, turnMs = 1) {
  const wire = openWire(readLateMs, turnMs);
  scriptedSlave(wire.slave, script);
  return rtuLine(wire.port, { baudRate: 115_200, timeoutMs: FAST_TIMEOUT_MS, name: "a wire in memory" });
}

interface Case {
  readonly lateMs: number;
  readonly copyMs: number;
  /** The master looks so much later than a byte arrives. */
  readonly readLateMs: number;
  readonly turnMs?: number;
  readonly places?: number;
}
const LANES = 24;
const CYCLES = 250;

function lane(seed: number, { readLateMs, turnMs, places, ...mishaps }: Case): Promise<Tally> {
  const dice = random(seed, "standing still");
  const late = (): number => (dice.uniform() < 0.2 ? below(dice, readLateMs) : 0);
  const line = openLane(mishapScript(seed, mishaps), late, turnMs);
  return askAll(line, { seed, cycles: CYCLES, ...(places && { places }) });
}

describe(`a slave that keeps to its script, ${LANES * CYCLES} cycles each (seed ${SEED})`, () => {
  it.each<[string, Case]>([
    ["replies up to four time-outs late", { lateMs: 4 * FAST_TIMEOUT_MS, copyMs: 5, readLateMs: 1 }],
    ["copies up to 50 ms late", { lateMs: 4 * FAST_TIMEOUT_MS, copyMs: COPY_MS, readLateMs: 1 }],
    ["replies up to two seconds late", { lateMs: 2_000, copyMs: 1, readLateMs: 1 }],
    [
      "few registers, read again and again",
      { lateMs: 100, copyMs: COPY_MS, readLateMs: 1, turnMs: 20, places: 2 },
    ],
    ["and a master that stands still", { lateMs: 2_000, copyMs: COPY_MS, readLateMs: 120 }],
  ])("never gives a value of another request: %s", async (_what, given) => {
    const lanes = Array.from({ length: LANES }, (_, index) => lane(SEED + index, given));
    const { words, exceptions, faults, wrong } = together(await finished(Promise.all(lanes)));
    expect(wrong).toEqual([]);
    expect(words).toBeGreaterThan((LANES * CYCLES) / 4);
    expect(exceptions).toBeGreaterThan(LANES);
    expect(faults).toBeGreaterThan(LANES * CYCLES * 0.03);
  });
});

describe("a second copy of a reply", () => {
  const read = (at: number, count: number) => ({ unit: 2, table: "holding" as const, at, count });
  const own = ({ at, count }: { at: number; count: number }) => ({
    kind: "words",
    words: expectedWords({ unit: 2, code: 3, at, count }),
  });
  /** What is wrong with each request, in the order in which they reach the slave. */
  const scripted = (...mishaps: Mishap[]): LineScript => ({
    mishap: sequence(mishaps, () => ({ kind: "none" })),
  });

  it("of a fence's reply is not the reply to the next request but one (seen with seed 20260622, cycles 182 to 185)", async () => {
    const [none, dropped] = [{ kind: "none" }, { kind: "dropped" }] as const;
    const line = openLane(scripted(none, dropped, { kind: "duplicated", afterMs: 4 }));
    const asked = [read(2_957, 4), read(2_267, 80), read(1_803, 2), read(4_890, 1)];
    const given = await finished(eachInTurn(line, asked));
    const [first, lost, ...rest] = given;
    expect([first, ...rest]).toEqual([own(read(2_957, 4)), own(read(1_803, 2)), own(read(4_890, 1))]);
    expect(lost).toMatchObject({ code: "DEVICE_TIMEOUT" });
  });

  it("of the same registers' reply does not leave their own for other registers", async () => {
    const line = openLane(scripted({ kind: "duplicated", afterMs: 10 }), undefined, 20);
    const asked = [read(100, 2), read(100, 2), read(200, 2), read(100, 2)];
    expect(await finished(eachInTurn(line, asked))).toEqual(asked.map(own));
  });

  it(`from a unit that is known for them may be as late as it likes (seed ${SEED})`, async () => {
    const dice = random(SEED, "copies");
    const mishap = (): Mishap =>
      dice.uniform() < 0.4 ? { kind: "duplicated", afterMs: below(dice, 2_000) } : { kind: "none" };
    const line = openLane({ mishap: sequence([{ kind: "duplicated", afterMs: 4 }], mishap) });
    const asked = Array.from({ length: 1_500 }, () => read(below(dice, 500), 1 + below(dice, 3)));
    const given = await finished(eachInTurn(line, [read(0, 10), ...asked]));
    const values = given
      .slice(1)
      .flatMap((answer, index) =>
        answer instanceof FieldwattError ? [] : [[answer, own(asked[index] ?? read(0, 1))]],
      );
    expect(values.filter(([answer, right]) => JSON.stringify(answer) !== JSON.stringify(right))).toEqual([]);
    expect(values.length).toBeGreaterThan(asked.length / 2);
  });
});

const sequence =
  (first: Mishap[], then: () => Mishap): (() => Mishap) =>
  () =>
    first.shift() ?? then();

async function eachInTurn(
  line: ModbusLine,
  asked: readonly ReadRequest[],
): Promise<(Answer | FieldwattError)[]> {
  const given: (Answer | FieldwattError)[] = [];
  for (const request of asked)
    given.push(
      await line.exchange(request).catch((error: unknown) => {
        if (error instanceof FieldwattError) return error;
        throw error;
      }),
    );
  return given;
}
