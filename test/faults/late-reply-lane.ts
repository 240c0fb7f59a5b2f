import { FieldwattError } from "../../domain/model/index.ts";
import type { ModbusLine } from "../../drivers/modbus/line.ts";
import type { Answer } from "../../drivers/modbus/pdu.ts";
import { random } from "../../simulators/village/random.ts";
import { expectedWords, type LineRequest, type LineScript, type Mishap } from "./line-slave.ts";

/**
 * A lane: one line, one scripted slave with two units, and a seeded run of requests of which every answer is judged. What
 * goes wrong is rolled by the slave, what is asked by the master, each with dice of its own.
 */
export const FAST_TIMEOUT_MS = 25;
/** Addresses from here on are refused, always; below, never. */
const REFUSED_FROM = 60_000;
const FAULTY = 0.15;

type Dice = ReturnType<typeof random>;
export const below = (dice: Dice, limit: number): number => Math.floor(dice.uniform() * limit);

/** What may go wrong: a reply is up to `lateMs` late, and a copy less than `copyMs` behind it. */
export interface Mishaps {
  readonly lateMs: number;
  readonly copyMs: number;
}

function mishapOf(dice: Dice, { lateMs, copyMs }: Mishaps): Mishap {
  if (dice.uniform() >= FAULTY) return { kind: "none" };
  switch (below(dice, 8)) {
    case 0:
    case 1:
      return { kind: "late", ms: below(dice, lateMs) };
    case 2:
      return { kind: "dropped" };
    case 3:
      return { kind: "duplicated", afterMs: below(dice, copyMs) };
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

/** Everything goes wrong at times, by the seed. */
export function mishapScript(seed: number, mishaps: Mishaps): LineScript {
  const dice = random(seed, "slave");
  return {
    mishap: () => mishapOf(dice, mishaps),
    exception: ({ at }) => (at >= REFUSED_FROM ? 2 : undefined),
  };
}

function requestOf(dice: Dice, places: number): LineRequest {
  const refused = dice.uniform() < 0.05;
  return {
    unit: 1 + below(dice, 2),
    code: dice.uniform() < 0.7 ? 3 : 4,
    at: (refused ? REFUSED_FROM : 0) + below(dice, places),
    count: [2, 2, 2, 2, 4, 1, 10, 80][below(dice, 8)] ?? 2,
  };
}

export interface Tally {
  words: number;
  exceptions: number;
  faults: number;
  readonly wrong: string[];
}

export interface Asking {
  readonly seed: number;
  readonly cycles: number;
  /** How many addresses are asked for; with few, the same registers are read again and again. */
  readonly places?: number;
}

export async function askAll(line: ModbusLine, { seed, cycles, places = 5_000 }: Asking): Promise<Tally> {
  const dice = random(seed, "requests");
  const tally: Tally = { words: 0, exceptions: 0, faults: 0, wrong: [] };
  for (let cycle = 0; cycle < cycles; cycle++) {
    const asked = requestOf(dice, places);
    const { unit, code, at, count } = asked;
    const table = code === 3 ? "holding" : "input";
    const answer = await line.exchange({ unit, table, at, count }).catch((error: unknown) => {
      if (error instanceof FieldwattError) return error;
      throw error;
    });
    if (answer instanceof FieldwattError) tally.faults += 1;
    else judge(tally, asked, answer, `seed ${seed} cycle ${cycle}`);
  }
  return tally;
}

function judge(tally: Tally, asked: LineRequest, answer: Answer, where: string): void {
  const refused = asked.at >= REFUSED_FROM;
  const right =
    answer.kind === "exception"
      ? refused
      : !refused && JSON.stringify(answer.words) === JSON.stringify(expectedWords(asked));
  if (!right) tally.wrong.push(`${where}: ${JSON.stringify(asked)} got ${JSON.stringify(answer)}`);
  else if (answer.kind === "words") tally.words += 1;
  else tally.exceptions += 1;
}

/** The sum of all lanes. */
export const together = (tallies: readonly Tally[]): Tally =>
  tallies.reduce((sum, { words, exceptions, faults, wrong }) => ({
    words: sum.words + words,
    exceptions: sum.exceptions + exceptions,
    faults: sum.faults + faults,
    wrong: [...sum.wrong, ...wrong],
  }));
