import { setTimeout as wait } from "node:timers/promises";
import { decodeSerialBytes, type DeviceDefinition } from "../../drivers/index.ts";
import { openSerialPort } from "../../drivers/serial/port.ts";
import { targetName } from "../../drivers/value.ts";
import { openPoliteReader } from "./reader.ts";
import type { Found, Guess, ScanContext, ScanReport } from "./report.ts";
import { telegramIn } from "./telegrams.ts";
import { knock, scanUnits } from "./units.ts";

export interface Line {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
}

export interface SerialScanOptions {
  readonly path: string;
  readonly units: readonly number[];
  readonly lines: readonly Line[];
  /** How long talkers are listened for at each of their rates. */
  readonly listenMs: number;
  readonly timeoutMs: number;
  readonly rate: number;
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
}

/** Rates at which talkers talk by themselves: DSMR 4 and 5, VE.Direct, SML. */
const TALKING: readonly Line[] = [
  { baudRate: 115_200, parity: "none" },
  { baudRate: 19_200, parity: "none" },
  { baudRate: 9_600, parity: "none" },
];
const BYTES_MAX = 16_384;
/** Units that leave the works most often; a line is settled by the first that answers. */
const USUAL_UNITS: readonly number[] = [1, 2, 3];

const lineName = ({ baudRate, parity }: Line): string => `${baudRate} 8${parity.slice(0, 1).toUpperCase()}1`;

/** First listens, and only where nobody talks by himself asks for Modbus units. */
export async function scanSerial(options: SerialScanOptions): Promise<ScanReport> {
  const bus = options.path;
  try {
    const talker = await listen(options);
    if (talker)
      return { bus, complete: true, notes: ["it talks by itself; no Modbus was tried"], found: [talker] };
    for (const line of options.lines) {
      const scan = await scanLine(options, line);
      if (scan) return { bus, ...scan };
    }
    const tried = options.lines.map(lineName).join(", ");
    return { bus, complete: true, notes: [`nobody talks, and no unit answers at ${tried}`], found: [] };
  } catch (error) {
    if (!options.context.signal.aborted) throw error;
    return { bus, complete: false, notes: ["ended before every rate was tried"], found: [] };
  }
}

async function listen({
  path,
  definitions,
  listenMs,
  context,
}: SerialScanOptions): Promise<Found | undefined> {
  for (const line of TALKING) {
    context.progress(`${path}: listening at ${lineName(line)}`);
    const bytes = await hear(path, line, { listenMs, signal: context.signal });
    const guesses = bytes.length === 0 ? [] : talkersIn(definitions, bytes);
    const says = telegramIn(bytes);
    if (guesses.length > 0 || says !== undefined) {
      const { baudRate, parity } = line;
      return { where: lineName(line), baudRate, parity, ...(says !== undefined && { says }), guesses };
    }
  }
  return undefined;
}

async function hear(
  path: string,
  line: Line,
  { listenMs, signal }: { listenMs: number; signal: AbortSignal },
): Promise<Uint8Array> {
  await using port = await openSerialPort({ path, ...line, stopBits: 1 });
  let heard: Uint8Array = new Uint8Array(0);
  port.onData((bytes) => (heard = Buffer.concat([heard, bytes]).subarray(-BYTES_MAX)));
  port.onClose(() => undefined);
  await wait(listenMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  return heard;
}

/** Device files of talkers that make values of the bytes; who makes most of them is first. */
function talkersIn(definitions: readonly DeviceDefinition[], bytes: Uint8Array): Guess[] {
  const talkers = definitions.filter(({ dialect }) => !SILENT.includes(dialect.kind));
  const decoded = talkers.map((definition) => ({
    definition,
    samples: decodeSerialBytes(definition, bytes).samples,
  }));
  const most = Math.max(1, ...decoded.map(({ samples }) => samples.length));
  return decoded
    .filter(({ samples }) => samples.length > 0)
    .sort((a, b) => b.samples.length - a.samples.length)
    .map(({ definition, samples }) => ({
      device: definition.id,
      score: Math.round((100 * samples.length) / most) / 100,
      values: Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value])),
    }));
}

/** What does not talk on a serial port by itself. */
const SILENT: readonly string[] = ["modbus", "sunspec", "mqtt", "lorawan"];

/** Undefined where none of the usual units answers at this rate. */
async function scanLine(options: SerialScanOptions, line: Line) {
  const { path, context, timeoutMs, rate, units } = options;
  const connection = { kind: "modbus-rtu", path, ...line, stopBits: 1, unit: 1 } as const;
  await using reader = openPoliteReader(connection, { timeoutMs, rate, signal: context.signal });
  const usual = units.filter((unit) => USUAL_UNITS.includes(unit));
  // With one rate to try there is nothing to settle.
  let answers = options.lines.length === 1;
  for (const unit of usual.length > 0 ? usual : units) {
    if (answers) break;
    context.progress(`${path}: asking unit ${unit} at ${lineName(line)}`);
    answers = (await knock(reader, unit)) !== undefined;
  }
  if (!answers) return undefined;
  const scan = await scanUnits(reader, { units, definitions: options.definitions, context, gateway: false });
  const found = scan.found.map((one) => ({ ...one, where: `${lineName(line)} ${one.where}`, ...line }));
  return { ...scan, found };
}
