import { setTimeout as wait } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { instant, messageOf, toIso, unitOf } from "../domain/model/index.ts";
import {
  completeConnection,
  withOptions,
  type Decoded,
  type DeviceDefinition,
  type WrittenConnection,
} from "../drivers/index.ts";
import { targetName } from "../drivers/value.ts";
import { brokerAccess } from "../gateway/acquire/broker-access.ts";
import { loadSite } from "../gateway/site/load.ts";
import { busAddress, type BusAddress } from "./bus-address.ts";
import { positiveNumber, stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, openCatalogue, type Terminal } from "./device-command.ts";
import { openSource, type ProbeConnection } from "./probe/source.ts";
import { table } from "./table.ts";

interface Options {
  readonly site?: string;
  readonly device?: string;
  readonly bus?: string;
  readonly unit?: number;
  readonly baud?: number;
  readonly parity?: "none" | "even" | "odd";
  readonly topic: string;
  readonly watch?: true;
  readonly interval: number;
  readonly timeout: number;
  readonly deviceFiles?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  fieldwatt device probe eastron-sdm120 --bus tcp://192.168.1.20:502 --unit 3
  fieldwatt device probe sdm120 --bus /dev/ttyUSB0 --unit 3 --baud 9600 --watch
  fieldwatt device probe --site site.yaml --device house-07-meter
  sudo -u fieldwatt fieldwatt device probe --site /etc/fieldwatt/site.yaml --device house-03-meter --timeout 300
  fieldwatt device probe tasmota-energy --bus mqtt://127.0.0.1:1883 --topic tele/plug-07 --watch`;

/** `fieldwatt device probe`: what a device says now. */
export const deviceProbeCommand = (terminal: Terminal): Command =>
  new Command("probe")
    .description("read a device now, once or as a live table")
    .argument("[id]", "the device file; with --bus")
    .option("--bus <address>", "tcp://HOST:PORT, rtu-over-tcp://…, udp://…, /dev/tty… or mqtt://…")
    .option(
      "--unit <n>",
      "the Modbus unit (default: the device file's, else 1)",
      wholeNumber({ from: 0, to: 255 }),
    )
    .option(
      "--baud <rate>",
      "the rate of a serial line (default: the device file's)",
      wholeNumber({ from: 300, to: 1_000_000 }),
    )
    .option("--parity <parity>", "none, even or odd (default: the device file's)", parity)
    .option("--topic <topic>", "the device's topic space on the broker", "")
    .option("--site <file>", "take the connection from a site file; with --device")
    .option("--device <id>", "the device of the site file")
    .option("--watch", "read again and again, until Ctrl-C")
    .option("--interval <s>", "seconds between two readings", positiveNumber({ to: 3_600 }), 2)
    .option(
      "--timeout <s>",
      "how long a device that talks by itself is waited for",
      positiveNumber({ to: 3_600 }),
      15,
    )
    .option("--device-files <folder>", "the device files of this folder too")
    .option("--json", "print JSON, with --watch one line a reading")
    .addHelpText("after", EXAMPLES)
    .action((id: string | undefined, options: Options) =>
      guard(terminal, () => probe(id, options, terminal)),
    );

function parity(value: string): NonNullable<Options["parity"]> {
  if (value === "none" || value === "even" || value === "odd") return value;
  throw new InvalidArgumentError("It must be none, even or odd.");
}

interface Target {
  readonly definition: DeviceDefinition;
  readonly connection: ProbeConnection;
}

async function targetFrom(id: string | undefined, options: Options): Promise<Target> {
  if (options.site !== undefined && options.device !== undefined)
    return targetInSite(options.site, options.device);
  if (id === undefined || options.bus === undefined)
    throw invalidOption("give a device file and --bus, or --site and --device");
  const definition = (await openCatalogue(options.deviceFiles)).find(id);
  const address = busAddress(options.bus);
  if (address.kind === "mqtt") return { definition, connection: { ...address, topic: options.topic } };
  const written = writtenIn(definition, address, options);
  return { definition, connection: wholeOf(definition, written, id) };
}

/** Most devices leave the works as this one. */
const USUAL_UNIT = 1;

/** What the command line says; what it leaves out is the device file's. */
function writtenIn(
  { dialect }: DeviceDefinition,
  address: Exclude<BusAddress, { kind: "mqtt" }>,
  { unit: named, baud: baudRate, parity }: Options,
): WrittenConnection {
  const factory = dialect.kind === "modbus" || dialect.kind === "sunspec" ? dialect.unit : undefined;
  const unit = named ?? factory ?? USUAL_UNIT;
  if (address.kind !== "serial") return { ...address, unit };
  const { path } = address;
  if (dialect.kind === "modbus" || dialect.kind === "sunspec")
    return { kind: "modbus-rtu", path, baudRate, parity, unit };
  return { kind: "serial", path, baudRate };
}

type WiredConnection = Exclude<ProbeConnection, { kind: "mqtt" }>;

function wholeOf(definition: DeviceDefinition, written: WrittenConnection, name: string): WiredConnection {
  const { connection, problem } = completeConnection(definition, written);
  if (connection && connection.kind !== "mqtt") return connection;
  throw invalidOption(`${name} ${problem ?? "is read by its topic: give --bus mqtt://… and --topic"}`);
}

async function targetInSite(file: string, name: string): Promise<Target> {
  const site = await loadSite(file);
  const device = site.devices.find(({ id }) => id === name);
  if (!device)
    throw invalidOption(
      `${file} has no device "${name}"; it has ${site.devices.map(({ id }) => id).join(", ")}`,
    );
  const { connection } = device;
  const definition = withOptions((await openCatalogue(site.deviceFiles)).find(device.device), device.options);
  if (connection.kind !== "mqtt") return { definition, connection: wholeOf(definition, connection, name) };
  // The broker knows this machine's reader, not the device's password, of which only a digest is kept.
  return { definition, connection: { ...connection, ...(await brokerAccess(site)) } };
}

async function probe(id: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const { definition, connection } = await targetFrom(id, options);
  const signal = stopSignal();
  const now = () => instant(Date.now());
  const timeoutMs = options.timeout * 1_000;
  await using source = openSource(definition, connection, { now, signal, timeoutMs });
  if (!options.watch) return print(terminal, definition, await source.next(), options);
  while (!signal.aborted) {
    try {
      const decoded = await source.next();
      clear(terminal, options);
      print(terminal, definition, decoded, options);
    } catch (error) {
      // A device that is away for a moment is what people watch for.
      if (!signal.aborted) terminal.stderr.write(`fieldwatt: ${messageOf(error)}\n`);
    }
    await wait(options.interval * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

/** Cursor home and the rest of the screen cleared (ECMA-48, CUP and ED), only on a screen. */
function clear(terminal: Terminal, { json }: Options): void {
  if (!json && "isTTY" in terminal.stdout && terminal.stdout.isTTY) terminal.stdout.write("\x1b[H\x1b[J");
}

function print(terminal: Terminal, definition: DeviceDefinition, decoded: Decoded, options: Options): void {
  if (options.json) {
    const report = jsonReport(definition, decoded);
    terminal.stdout.write(`${JSON.stringify(report, undefined, options.watch ? undefined : 2)}\n`);
  } else terminal.stdout.write(`${textReport(definition, decoded)}\n`);
}

const jsonReport = ({ id }: DeviceDefinition, { samples, problems }: Decoded) => ({
  device: id,
  readings: samples.map(({ quantity, value, channel, time, quality }) => ({
    quantity,
    value,
    unit: unitOf(quantity),
    ...(channel !== undefined && { channel }),
    ...(time !== undefined && { time: toIso(time) }),
    ...(quality !== undefined && { quality }),
  })),
  problems,
});

function textReport({ id, maker, model }: DeviceDefinition, { samples, problems }: Decoded): string {
  const rows = samples.map((sample) => [
    targetName(sample),
    String(sample.value),
    unitOf(sample.quantity),
    sample.quality ?? "",
  ]);
  const time = samples.find((sample) => sample.time !== undefined)?.time;
  const head = `${id}: ${maker} ${model}${time === undefined ? "" : `, ${toIso(time)}`}`;
  const told = problems.map(({ code, detail }) => `${code}: ${detail}`);
  return [
    head,
    "",
    table(["point", "value", "unit", ""], rows),
    ...(told.length > 0 ? ["", ...told] : []),
  ].join("\n");
}
