import type { DeviceDefinition } from "../../drivers/index.ts";
import { askTelegrams } from "./ask.ts";
import { lineName, type Line } from "./line.ts";
import { listen } from "./listen.ts";
import { openPoliteReader } from "./reader.ts";
import type { ScanContext, ScanReport } from "./report.ts";
import { knock, scanUnits } from "./units.ts";

export interface SerialScanOptions {
  readonly path: string;
  readonly units: readonly number[];
  readonly lines: readonly Line[];
  /** Only these rates, whatever the protocol; every usual one where absent. */
  readonly only?: readonly number[];
  /** How long talkers are listened for at each of their rates. */
  readonly listenMs: number;
  readonly timeoutMs: number;
  readonly rate: number;
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
}

/** Units that leave the works most often; a line is settled by the first that answers. */
const USUAL_UNITS: readonly number[] = [1, 2, 3];

/** First listens; only where nobody talks by himself asks for Modbus units, and where none answers for telegrams. */
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
    const meter = await askTelegrams(options);
    if (meter)
      return { bus, complete: true, notes: ["a meter that is asked; no more was tried"], found: [meter] };
    const tried = options.lines.map(lineName).join(", ");
    return {
      bus,
      complete: true,
      notes: [`nobody talks, no unit answers at ${tried}, and no meter says a telegram`],
      found: [],
    };
  } catch (error) {
    if (!options.context.signal.aborted) throw error;
    return { bus, complete: false, notes: ["ended before every rate was tried"], found: [] };
  }
}

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
