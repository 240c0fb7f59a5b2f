import { FieldwattError, hasCode, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition, ModbusDialect, SunspecDialect } from "../definition.ts";
import { joined, type Decoded } from "../driver.ts";
import { type Answer, exceptionText, ILLEGAL_ADDRESS, type ReadRequest } from "./pdu.ts";
import { halves, planBlocks, type Block } from "./plan.ts";
import { decodeReads, problem, type SpanRead } from "./points.ts";
import { firstOfEach, isBase, knownModels, readModel, walkChain, type Chain, type Walk } from "./sunspec.ts";
import { targetName } from "../value.ts";
import { WORD_COUNTS } from "./words.ts";

/** One request and its answer, with the middle of the exchange as its time. */
export type TimedExchange = (
  request: ReadRequest,
) => Promise<{ readonly answer: Answer; readonly time: Instant }>;

/** What is learnt of one unit and kept while its connection stands. */
export interface UnitMemory {
  /** The requests that the device gives in one piece; single points that it refuses are `refused`. */
  blocks?: readonly Block[];
  refused: readonly Block[];
  /** Cycles since something was refused: a device that was still starting is asked for all of it again. */
  cyclesSinceRefusal: number;
  chain?: Chain;
  /** The base address that discovery tries first: some devices never answer a base that is not theirs. */
  firstBase: number;
}

export const unitMemory = (): UnitMemory => ({ refused: [], cyclesSinceRefusal: 0, firstBase: 0 });

/** Another device may hang there now; only where discovery goes on is kept. */
export function forgetDevice(memory: UnitMemory): void {
  delete memory.blocks;
  delete memory.chain;
  memory.refused = [];
  memory.cyclesSinceRefusal = 0;
}

/** An hour of readings every ten seconds. */
const ASK_AGAIN_AFTER_CYCLES = 360;

/** Illegal function, address or value: the device is there and has no such registers. */
const NOT_THERE: readonly number[] = [1, ILLEGAL_ADDRESS, 3];

/** One whole reading cycle of one unit. */
export function readCycle(
  { dialect, id }: DeviceDefinition,
  unit: number,
  exchange: TimedExchange,
  memory: UnitMemory,
): Promise<Decoded> {
  if (dialect.kind === "modbus") return readBlocks(dialect, unit, exchange, memory);
  if (dialect.kind === "sunspec") return readModels(dialect, unit, exchange, memory);
  return Promise.reject(new FieldwattError("BUS_CLOSED", `${id} does not speak Modbus`));
}

/** One cheap question: a few registers, and whatever is answered will do. Throws as the exchange does. */
export async function probeUnit(
  { dialect, id }: DeviceDefinition,
  unit: number,
  exchange: TimedExchange,
  memory: UnitMemory,
): Promise<void> {
  if (dialect.kind === "sunspec") {
    const base = dialect.bases[memory.firstBase] ?? 0;
    await exchange({ unit, table: "holding", at: base, count: 2 }).catch((error: unknown) => {
      memory.firstBase = (memory.firstBase + 1) % dialect.bases.length;
      throw error;
    });
    return;
  }
  const [point] = dialect.kind === "modbus" ? planBlocks(dialect).flatMap((block) => block.points) : [];
  if (!point) throw new FieldwattError("BUS_CLOSED", `${id} has nothing to ask for over Modbus`);
  await exchange({ unit, table: point.table, at: point.at, count: WORD_COUNTS[point.as] });
}

/** All devices of one file are asked the same, and share it. */
const plans = new WeakMap<ModbusDialect, readonly Block[]>();

function blocksOf(dialect: ModbusDialect): readonly Block[] {
  const plan = plans.get(dialect) ?? planBlocks(dialect);
  plans.set(dialect, plan);
  return plan;
}

async function readBlocks(
  dialect: ModbusDialect,
  unit: number,
  exchange: TimedExchange,
  memory: UnitMemory,
): Promise<Decoded> {
  if (memory.refused.length > 0 && ++memory.cyclesSinceRefusal >= ASK_AGAIN_AFTER_CYCLES)
    forgetDevice(memory);
  const left = [...(memory.blocks ?? blocksOf(dialect))];
  const read: Block[] = [];
  const refused: Block[] = [];
  const reads: SpanRead[] = [];
  for (let block = left.shift(); block; block = left.shift()) {
    const { table, at, count } = block;
    const { answer, time } = await exchange({ unit, table, at, count });
    if (answer.kind === "words") {
      read.push(block);
      reads.push({ table, at, words: answer.words, time });
    } else if (NOT_THERE.includes(answer.code)) {
      const parts = halves(block);
      if (parts) left.unshift(...parts);
      else refused.push(block);
      if (!parts && read.length === 0 && left.length === 0) throw refusal(unit, answer.code);
    } else throw refusal(unit, answer.code);
  }
  if (refused.length > 0 || memory.blocks?.length !== read.length) memory.blocks = read;
  if (refused.length > 0) memory.refused = [...memory.refused, ...refused];
  return joined([decodeReads(dialect.points, reads), ...memory.refused.map(refusedProblem)]);
}

const refusedProblem = ({ points, at }: Block): Decoded =>
  problem("illegalAddress", `the device has no register ${at} (${points.map(targetName).join(", ")})`);

const refusal = (unit: number, code: number): FieldwattError =>
  new FieldwattError("DEVICE_REFUSED", `unit ${unit} answered ${exceptionText(code)}`);

const stamped = ({ samples, problems }: Decoded, time: Instant): Decoded => ({
  samples: samples.map((sample) => ({ ...sample, time })),
  problems,
});

async function readModels(
  dialect: SunspecDialect,
  unit: number,
  exchange: TimedExchange,
  memory: UnitMemory,
): Promise<Decoded> {
  const run = <Result>(walk: Walk<Result>) => runOnBus(walk, unit, exchange);
  memory.chain ??= await discover(dialect, memory, async (walk) => (await run(walk)).result);
  const pieces: Decoded[] = [];
  const faults: FieldwattError[] = [];
  for (const { place, model } of knownModels(dialect, memory.chain)) {
    const reading = { maxRegisters: dialect.maxRegisters, maker: memory.chain.maker };
    const outcome = await run(readModel(place, model, reading)).catch(deviceFault);
    if (outcome instanceof FieldwattError) {
      faults.push(outcome);
      // One bad model must not stop the rest; a unit that answers nothing is not asked for all of them.
      if (pieces.length === 0 && faults.length > 1) throw outcome;
      continue;
    }
    if (!outcome.result) {
      delete memory.chain;
      throw new FieldwattError(
        "DEVICE_GARBLED",
        `unit ${unit}: model ${place.id} is no longer at ${place.at}`,
      );
    }
    pieces.push(outcome.time === undefined ? outcome.result : stamped(outcome.result, outcome.time));
  }
  const [fault] = faults;
  if (pieces.length > 0)
    return joined([
      firstOfEach(joined(pieces)),
      ...faults.map(({ message }) => problem("unexpectedReply", message)),
    ]);
  if (fault) throw fault;
  const ids = memory.chain.models.map((model) => model.id).join(", ");
  delete memory.chain;
  return problem("unknownModel", `none of the models ${ids} is known here`);
}

/** The faults of a device, as values; any other is thrown on. */
function deviceFault(error: unknown): FieldwattError {
  const known = ["DEVICE_TIMEOUT", "DEVICE_REFUSED", "DEVICE_GARBLED"] as const;
  if (error instanceof FieldwattError && known.some((code) => hasCode(error, code))) return error;
  throw error;
}

/** Tries the bases; after a time-out the next reading begins with the next base. */
async function discover(
  { bases }: SunspecDialect,
  memory: UnitMemory,
  run: <Result>(walk: Walk<Result>) => Promise<Result>,
): Promise<Chain> {
  for (let tried = 0; tried < bases.length; tried++) {
    const index = (memory.firstBase + tried) % bases.length;
    const base = bases[index] ?? 0;
    const found = await run(isBase(base)).catch((error: unknown) => {
      memory.firstBase = (index + 1) % bases.length;
      throw error;
    });
    if (!found) continue;
    memory.firstBase = index;
    return run(walkChain(base));
  }
  throw new FieldwattError(
    "DEVICE_REFUSED",
    `no "SunS" at ${bases.join(", ")}: the device does not speak SunSpec`,
  );
}

async function runOnBus<Result>(walk: Walk<Result>, unit: number, exchange: TimedExchange) {
  let time: Instant | undefined;
  let step = walk.next();
  while (!step.done) {
    const done = await exchange({ unit, table: "holding", ...step.value });
    time = done.time;
    if (done.answer.kind === "exception" && !NOT_THERE.includes(done.answer.code))
      throw refusal(unit, done.answer.code);
    step = walk.next(done.answer.kind === "words" ? done.answer.words : undefined);
  }
  return { result: step.value, time };
}
