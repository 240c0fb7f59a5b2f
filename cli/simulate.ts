import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { FieldwattError, instant, messageOf, type Instant } from "../domain/model/index.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import {
  faultFromText,
  HOUSEHOLDS_MAX,
  openFaultServer,
  openSimulators,
  planVillage,
  type Fault,
  type Manifest,
  type ManifestConnection,
  type ManifestSwitch,
  type MqttAccess,
} from "../simulators/index.ts";
import { simulateBusCommand, simulateDeviceCommand } from "./simulate-bus.ts";
import { clockLine, clockOf, stopSignal, tellParent, wholeNumber } from "./command-line.ts";

interface SimulateOptions {
  readonly households: number;
  readonly seed: number;
  readonly clock?: ClockLine;
  readonly commissioned?: Instant;
  readonly data: string;
  readonly yard?: true;
  readonly mqtt?: string;
  readonly fault: readonly Fault[];
  readonly control?: number;
  readonly json?: true;
}

const SEED_MAX = 2 ** 32 - 1;
const EXAMPLES = `
Examples:
  $ fieldwatt simulate                                       twelve households, until Ctrl-C
  $ fieldwatt simulate --households 3 --seed 7 --json        where each device is, as JSON
  $ fieldwatt simulate --fault dead:household-02-meter --fault slow:household-01-meter:1500
  $ fieldwatt simulate --yard --fault shift:yard-tank:tankLevel:-0.2
  $ fieldwatt simulate --mqtt mqtt.json                      {"url": "mqtt://…", "passwords": {"household-03-meter": "…"}}`;

/** `fieldwatt simulate`: the village's devices alone, for any software to read. */
export function simulateCommand(): Command {
  return (
    new Command("simulate")
      .description("run simulated meters, probes and stations on real sockets and serial lines")
      .option(
        "--households <n>",
        `number of households, 1 to ${HOUSEHOLDS_MAX}`,
        wholeNumber({ from: 1, to: HOUSEHOLDS_MAX }),
        12,
      )
      .option("--seed <n>", "the same seed gives the same village", wholeNumber({ from: 0, to: SEED_MAX }), 1)
      .option(
        "--yard",
        "also the co-op's yard: solar, a pump and its tank, a battery, a fridge, two switches",
      )
      .option("--clock <line>", "village clock as WORLD_MS,VILLAGE_MS,SPEED (default: real time)", clockLine)
      .option(
        "--commissioned <ms>",
        "when the devices were hung, ms since 1970 (default: kept in the folder)",
        commissioned,
      )
      .option("--data <dir>", "folder of the serial links", ".fieldwatt/simulators")
      .option("--mqtt <file>", "JSON file with the broker's url and each device's password")
      .option(
        "--fault <fault>",
        "dead:DEVICE, slow:DEVICE:MS, noisy:DEVICE or shift:DEVICE:QUANTITY:AMOUNT; may be given again",
        collectFault,
        [],
      )
      .option(
        "--control <port>",
        'take faults while it runs: POST /faults {"fault": "dead:DEVICE", "seconds": 60}, from this computer',
        wholeNumber({ from: 0, to: 65_535 }),
      )
      .option("--json", "print JSON lines")
      .addHelpText("after", EXAMPLES)
      .action(simulate)
      // The subcommands have options of the same names: those that stand behind them are theirs.
      .enablePositionalOptions()
      .addCommand(simulateDeviceCommand())
      .addCommand(simulateBusCommand())
  );
}

function commissioned(text: string): Instant {
  return instant(wholeNumber({ from: 0, to: Number.MAX_SAFE_INTEGER })(text));
}

function collectFault(text: string, before: readonly Fault[]): Fault[] {
  try {
    return [...before, faultFromText(text)];
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

const HOUR_MS = 3_600_000;

async function simulate(options: SimulateOptions): Promise<void> {
  try {
    await runSimulators(options);
  } finally {
    // The line to a parent would keep a finished process alive.
    if (process.connected) process.disconnect();
  }
}

async function runSimulators(options: SimulateOptions): Promise<void> {
  const stop = stopSignal();
  const clock = clockOf(options.clock);
  const log = openLog("simulators", process.stderr);
  const dataDir = resolve(options.data);
  await using simulators = await openSimulators(planVillage(options), {
    clock,
    commissioned: options.commissioned ?? keptCommissioned(dataDir, clock.now()),
    dataDir,
    faults: options.fault,
    log,
    ...(options.mqtt !== undefined && { mqtt: readAccess(options.mqtt) }),
  });
  await using _control =
    options.control === undefined ? undefined : await openFaultServer(options.control, simulators);
  const { manifest } = simulators;
  const ready = { event: "ready", manifest };
  console.log(options.json ? JSON.stringify(ready) : tableOf(manifest));
  tellParent(ready);
  if (!stop.aborted) await new Promise((end) => stop.addEventListener("abort", end, { once: true }));
}

/** The first run's hour, kept beside the serial links, so that counters go on when the simulator is started again. */
function keptCommissioned(dataDir: string, now: Instant): Instant {
  const file = join(dataDir, "commissioned");
  if (existsSync(file)) {
    const kept = Number(readFileSync(file, "utf8"));
    // One from the future is of another clock.
    if (Number.isSafeInteger(kept) && kept <= now) return instant(kept);
  }
  const hour = instant(Math.floor(now / HOUR_MS) * HOUR_MS);
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, String(hour));
  return hour;
}

/** Checked by hand: two keys, and a wrong password shows itself at the broker. */
function readAccess(file: string): MqttAccess {
  const wrong = (why: string, cause?: unknown) =>
    new FieldwattError(
      "OPTION_INVALID",
      `--mqtt ${file}: ${why}; write {"url": "mqtt://…", "passwords": {DEVICE: PASSWORD}}`,
      { cause },
    );
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw wrong(messageOf(cause), cause);
  }
  if (!isAccess(found)) throw wrong("it has not the two keys");
  return found;
}

function isAccess(found: unknown): found is MqttAccess {
  if (typeof found !== "object" || found === null || !("url" in found) || !("passwords" in found))
    return false;
  const { url, passwords } = found;
  return typeof url === "string" && typeof passwords === "object" && passwords !== null;
}

function tableOf({ devices, switches }: Manifest): string {
  const rows = [
    ...devices.map(({ id, device, connection }) => [id, device, whereIs(connection)]),
    ...switches.map(({ id, connection }) => [id, "switch", whereIsSwitch(connection)]),
  ];
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [width(0), width(1)];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return [...lines, "", "Running; Ctrl-C ends it."].join("\n");
}

const whereIsSwitch = (connection: ManifestSwitch["connection"]): string =>
  connection.kind === "mqtt"
    ? `MQTT ${connection.topic} ${connection.on} or ${connection.off}`
    : `${connection.host}:${connection.port} unit ${connection.unit} coil ${connection.coil}`;

function whereIs(connection: ManifestConnection): string {
  switch (connection.kind) {
    case "modbus-tcp":
      return `${connection.host}:${connection.port} unit ${connection.unit}`;
    case "modbus-rtu":
      return `${connection.path} ${connection.baudRate} 8N1 unit ${connection.unit}`;
    case "serial":
      return `${connection.path} ${connection.baudRate} 8N1`;
    case "mqtt":
      return `MQTT ${connection.topic}/#`;
  }
}
