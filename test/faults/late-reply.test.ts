import { monitorEventLoopDelay } from "node:perf_hooks";
import { readFileSync } from "node:fs";
import modbusSerial from "modbus-serial";
import { describe, expect, it } from "vitest";
import { FieldwattError } from "../../domain/model/index.ts";
import { openLine } from "../../drivers/modbus/open-line.ts";
import { openPtyPair } from "../../simulators/pty.ts";
import { random } from "../../simulators/village/random.ts";
import {
  expectedWords,
  scriptedSlave,
  type LineRequest,
  type LineScript,
  type Mishap,
} from "./line-slave.ts";

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
const TIMEOUT_MS = 200;

/** "first answer delayed 300 ms; client timeout 200 ms"; the register's value is its address. */
function lateOnce(): LineScript {
  let first = true;
  return {
    mishap() {
      const late = first;
      first = false;
      return late ? { kind: "late", ms: 300 } : { kind: "none" };
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
const CYCLES = 300;
const FAST_TIMEOUT_MS = 25;
/** Addresses from here on are refused, always; below, never. */
const REFUSED_FROM = 60_000;
const FAULTY = 0.15;
/** The event loop stood still for so long that 5 ms may have become 50. */
const STANDSTILL_MS = 30;

type Dice = ReturnType<typeof random>;
const below = (dice: Dice, limit: number): number => Math.floor(dice.uniform() * limit);

function mishapOf(dice: Dice): Mishap {
  if (dice.uniform() >= FAULTY) return { kind: "none" };
  switch (below(dice, 8)) {
    case 0:
    case 1:
      return { kind: "late", ms: below(dice, 4 * FAST_TIMEOUT_MS) };
    case 2:
      return { kind: "dropped" };
    case 3:
      return { kind: "duplicated", afterMs: below(dice, 5) };
    case 4:
      return { kind: "truncated", bytes: below(dice, 1_000) };
    case 5:
      return { kind: "foreign", unit: 3 + below(dice, 3), instead: dice.uniform() < 0.5 };
    case 6:
      return { kind: "flipped", bit: below(dice, 10_000) };
    default:
      return { kind: "garbage", bytes: Array.from({ length: 1 + below(dice, 9) }, () => below(dice, 256)) };
  }
}

function requestOf(dice: Dice): LineRequest {
  const refused = dice.uniform() < 0.05;
  return {
    unit: 1 + below(dice, 2),
    code: dice.uniform() < 0.7 ? 3 : 4,
    at: (refused ? REFUSED_FROM : 0) + below(dice, 5_000),
    count: [2, 2, 2, 2, 4, 1, 10, 80][below(dice, 8)] ?? 2,
  };
}

/**
 * A lane whose slave kept to its script. A second copy of a reply is scripted to come within 5 ms, and the line is
 * proof against copies up to 50 ms late; when the whole test process stands still for longer, the slave itself sends
 * copies later than any device that is meant here. Such a lane is run again by itself; what is wrong in the line is
 * wrong again.
 */
async function laneOnScript(seed: number): Promise<Tally> {
  const standstill = monitorEventLoopDelay({ resolution: 5 });
  standstill.enable();
  const tally = await lane(seed);
  standstill.disable();
  return tally.wrong.length > 0 && standstill.max / 1e6 > STANDSTILL_MS ? lane(seed) : tally;
}

interface Tally {
  words: number;
  exceptions: number;
  faults: number;
  readonly wrong: string[];
}

async function lane(seed: number): Promise<Tally> {
  const [script, asking] = [random(seed, "slave"), random(seed, "requests")];
  await using pty = await openPtyPair();
  scriptedSlave(pty, {
    mishap: () => mishapOf(script),
    exception: ({ at }) => (at >= REFUSED_FROM ? 2 : undefined),
  });
  await using line = await lineTo(pty.path, FAST_TIMEOUT_MS);
  const tally: Tally = { words: 0, exceptions: 0, faults: 0, wrong: [] };
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const asked = requestOf(asking);
    const { unit, code, at, count } = asked;
    const table = code === 3 ? "holding" : "input";
    const answer = await line.exchange({ unit, table, at, count }).catch((error: unknown) => error);
    if (answer instanceof FieldwattError) tally.faults += 1;
    else
      judge(tally, asked, answer as Awaited<ReturnType<typeof line.exchange>>, `seed ${seed} cycle ${cycle}`);
  }
  return tally;
}

function judge(
  tally: Tally,
  asked: LineRequest,
  answer: { kind: "words"; words: readonly number[] } | { kind: "exception"; code: number },
  where: string,
): void {
  const refused = asked.at >= REFUSED_FROM;
  const right =
    answer.kind === "exception"
      ? refused
      : !refused && JSON.stringify(answer.words) === JSON.stringify(expectedWords(asked));
  if (!right) tally.wrong.push(`${where}: ${JSON.stringify(asked)} got ${JSON.stringify(answer)}`);
  else if (answer.kind === "words") tally.words += 1;
  else tally.exceptions += 1;
}

it(`never gives a value of another request in ${LANES * CYCLES} cycles of everything that goes wrong (seed ${SEED})`, async () => {
  const tallies = await Promise.all(Array.from({ length: LANES }, (_, index) => laneOnScript(SEED + index)));
  const sum = (key: "words" | "exceptions" | "faults"): number =>
    tallies.reduce((total, tally) => total + tally[key], 0);
  expect(tallies.flatMap(({ wrong }) => wrong)).toEqual([]);
  // The test is about something: most cycles succeed, many fail, and exceptions come through.
  expect(sum("words")).toBeGreaterThan((LANES * CYCLES) / 2);
  expect(sum("exceptions")).toBeGreaterThan(LANES);
  expect(sum("faults")).toBeGreaterThan(LANES * CYCLES * 0.03);
}, 120_000);
