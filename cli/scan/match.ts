import { decodeRegisters, type DeviceDefinition } from "../../drivers/index.ts";
import type { ModbusDialect, ModbusPoint } from "../../drivers/modbus/dialect.ts";
import { WORD_COUNTS } from "../../drivers/modbus/words.ts";
import { targetName } from "../../drivers/value.ts";
import { plausibility, weightOf } from "./plausible.ts";
import type { PoliteReader } from "./reader.ts";
import type { Guess } from "./report.ts";

/** Points that are looked at of every device file, and of the few that lead: files of one maker begin alike. */
const PROBES = { first: 7, leading: 24 };
const LEADING_MAX = 4;
const GUESSES_MAX = 5;
/** Less than this share of what could be plausible is no guess. */
const SCORE_MIN = 0.5;
/** A register that the device does not have speaks against the file, but firmware differs. */
const MISSING = 0.75;

/** Reads of one unit; what was read once is not asked again for the next device file. */
type Words = (
  table: "input" | "holding",
  at: number,
  count: number,
) => Promise<readonly number[] | undefined>;

/**
 * Device files that explain what one unit answers, the best first. Each is tried with its own most telling registers,
 * read one value at a time.
 */
export async function matchUnit(
  reader: PoliteReader,
  unit: number,
  definitions: readonly DeviceDefinition[],
): Promise<readonly Guess[]> {
  const words = rememberingReads(reader, unit);
  const first = await tryAll(words, definitions, PROBES.first);
  const leading = first.slice(0, LEADING_MAX).map(({ definition }) => definition);
  const closer = await tryAll(words, leading, PROBES.leading);
  const others = first.filter(({ definition }) => !leading.includes(definition));
  return [...closer, ...others].slice(0, GUESSES_MAX).map(({ guess }) => guess);
}

interface Candidate {
  readonly definition: DeviceDefinition;
  readonly guess: Guess;
  readonly evidence: number;
}

async function tryAll(
  words: Words,
  definitions: readonly DeviceDefinition[],
  probesMax: number,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const definition of definitions) {
    if (definition.dialect.kind !== "modbus") continue;
    const seen = await tryFile(words, definition, tellingPoints(definition.dialect, probesMax));
    if (seen && seen.guess.score >= SCORE_MIN) candidates.push({ ...seen, definition });
  }
  return candidates.sort((a, b) => b.evidence - a.evidence || b.guess.score - a.guess.score);
}

function rememberingReads(reader: PoliteReader, unit: number): Words {
  const known = new Map<string, readonly number[] | undefined>();
  return async (table, at, count) => {
    const key = `${table} ${at} ${count}`;
    if (!known.has(key)) {
      const said = await reader.read({ unit, table, at, count });
      known.set(key, said.kind === "words" ? said.words : undefined);
    }
    return known.get(key);
  };
}

async function tryFile(
  words: Words,
  definition: DeviceDefinition,
  probes: readonly ModbusPoint[],
): Promise<{ guess: Guess; evidence: number } | undefined> {
  if (probes.length === 0 || definition.dialect.kind !== "modbus") return undefined;
  const tables = { input: new Map<number, number>(), holding: new Map<number, number>() };
  let missing = 0;
  for (const [index, { table, at, as }] of probes.entries()) {
    const read = await words(table, at, WORD_COUNTS[as]);
    read?.forEach((word, offset) => tables[table].set(at + offset, word));
    if (!read) missing += 1;
    // The device has none of the two most telling registers: it is another one.
    if (index === 1 && missing === 2) return undefined;
  }
  const probed = { ...definition, dialect: { ...definition.dialect, points: probes } };
  const { samples } = decodeRegisters(probed, tables);
  const evidence = samples.reduce(
    (sum, { quantity, channel, value }) => sum + plausibility(quantity, channel, value),
    -missing * MISSING,
  );
  const possible = probes.reduce((sum, { quantity, channel }) => sum + weightOf(quantity, channel), 0);
  const values = Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
  const score = Math.max(0, Math.round((100 * evidence) / possible) / 100);
  return { guess: { device: definition.id, score, values }, evidence };
}

/** Plain points only: what hangs on other registers would need those too. Whole-device points go before channels. */
function tellingPoints({ points }: ModbusDialect, most: number): ModbusPoint[] {
  const plain = points.filter(({ parts, power10, times, when }) => !parts && !power10 && !times && !when);
  return plain
    .map((point, index) => ({ point, index, weight: weightOf(point.quantity, point.channel) }))
    .sort((a, b) => b.weight - a.weight || a.index - b.index)
    .slice(0, most)
    .map(({ point }) => point);
}
