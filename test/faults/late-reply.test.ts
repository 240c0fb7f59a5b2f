import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import modbusSerial from "modbus-serial";
import { describe, expect, it } from "vitest";
import { openLine } from "../../drivers/modbus/open-line.ts";
import { openPtyPair } from "../../simulators/pty.ts";
import { random } from "../../simulators/village/random.ts";
import { askAll, FAST_TIMEOUT_MS, together, type Tally } from "./late-reply-lane.ts";
import { scriptedSlave, type LineScript } from "./line-slave.ts";

/**
 * A reply that comes too late looks like the reply to the next request of its length. The same scripted slave, on a
 * real pseudo-terminal, in front of the plain library and of ours.
 */
interface Vector {
  readonly expected: { readonly library_without_fence: Readonly<Record<string, "timeout" | number[]>> };
}
const vector = JSON.parse(
  readFileSync(new URL("../captures/modbus-rtu-late-reply.json", import.meta.url), "utf8"),
) as Vector;

const ADDRESSES = [100, 200, 300, 400];
const TIMEOUT_MS = 1_000;

/**
 * "first answer delayed 300 ms; client timeout 200 ms": it comes after its time-out, in time for the next request, and
 * here waits for just that. The register's value is its address.
 */
function lateOnce(): LineScript {
  let first = true;
  return {
    mishap() {
      const late = first;
      first = false;
      return late ? { kind: "held" } : { kind: "none" };
    },
    word: (_request, address) => address,
  };
}

const lineTo = (path: string, timeoutMs: number) =>
  openLine({ kind: "modbus-rtu", path, baudRate: 115_200, parity: "none", stopBits: 1, unit: 1 }, timeoutMs);

describe("the measured case modbus-rtu-late-reply", () => {
  it("shifts every later reply in plain modbus-serial, without an error", async () => {
    await using pty = await openPtyPair();
    scriptedSlave(pty, lateOnce());
    const client = new modbusSerial.default();
    await client.connectRTUBuffered(pty.path, { baudRate: 115_200 });
    client.setID(1);
    client.setTimeout(TIMEOUT_MS);
    const got: Record<string, "timeout" | number[]> = {};
    for (const at of ADDRESSES) {
      got[at] = await client.readHoldingRegisters(at, 2).then(
        ({ data }) => data,
        () => "timeout" as const,
      );
    }
    await new Promise<void>((resolve) => client.close(() => resolve()));
    expect(got).toEqual(vector.expected.library_without_fence);
  });

  it("gives every request its own registers, or an error, in ours", async () => {
    await using pty = await openPtyPair();
    scriptedSlave(pty, lateOnce());
    await using line = await lineTo(pty.path, TIMEOUT_MS);
    const got: Record<string, "timeout" | readonly number[]> = {};
    for (const at of ADDRESSES) {
      got[at] = await line.exchange({ unit: 1, table: "holding", at, count: 2 }).then(
        (answer) => (answer.kind === "words" ? answer.words : []),
        () => "timeout" as const,
      );
    }
    expect(got).toEqual({ 100: "timeout", 200: [200, 201], 300: [300, 301], 400: [400, 401] });
  });
});

const SEED = 20260615;
const LANES = 12;
/** The master stands still for up to so long, so often. */
const STANDSTILL_MS = 80;
const STANDSTILL_EVERY_MS = 150;

/** Slaves in a process of their own, one for each seed. */
async function startSlaves(
  seeds: readonly number[],
): Promise<{ readonly paths: readonly string[] } & AsyncDisposable> {
  const program = new URL("./late-reply-slaves.ts", import.meta.url).pathname;
  const child = fork(program, seeds.map(String), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const gone = once(child, "exit");
  const [paths] = (await Promise.race([once(child, "message"), gone.then(() => [[]])])) as [string[]];
  return {
    paths,
    async [Symbol.asyncDispose]() {
      child.kill();
      await gone;
    },
  };
}

/** Keeps this process, and so every line, from doing anything for a while, again and again. */
function standStill(): Disposable {
  const dice = random(SEED, "standing still");
  const timer = setInterval(() => {
    const until = performance.now() + dice.between(0, STANDSTILL_MS);
    while (performance.now() < until);
  }, STANDSTILL_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function allLanes(cycles: number): Promise<Tally> {
  const seeds = Array.from({ length: LANES }, (_, index) => SEED + index);
  await using slaves = await startSlaves(seeds);
  expect(slaves.paths).toHaveLength(LANES);
  const lanes = slaves.paths.map(async (path, index) => {
    await using line = await lineTo(path, FAST_TIMEOUT_MS);
    return await askAll(line, { seed: SEED + index, cycles });
  });
  return together(await Promise.all(lanes));
}

describe(`slaves on which everything goes wrong, on real lines (seed ${SEED})`, () => {
  it("never give a value of another request in 3,600 cycles", async () => {
    const { words, exceptions, faults, wrong } = await allLanes(300);
    expect(wrong).toEqual([]);
    // The test is about something: many cycles succeed, many fail, and exceptions come through.
    expect(words).toBeGreaterThan(1_200);
    expect(exceptions).toBeGreaterThan(LANES);
    expect(faults).toBeGreaterThan(100);
  }, 120_000);

  it("never give a value of another request in 720 cycles of a master that stands still again and again", async () => {
    using _still = standStill();
    const { words, wrong } = await allLanes(60);
    expect(wrong).toEqual([]);
    expect(words).toBeGreaterThan(LANES);
  }, 120_000);
});
