import { Command, InvalidArgumentError } from "commander";
import type { DeviceDefinition } from "../drivers/index.ts";
import { busAddress, type BusAddress } from "./bus-address.ts";
import { positiveNumber, stopSignal, wholeNumber } from "./command-line.ts";
import { guard, openCatalogue, type Terminal } from "./device-command.ts";
import { scanMqtt } from "./scan/mqtt.ts";
import type { Line } from "./scan/line.ts";
import { openPoliteReader } from "./scan/reader.ts";
import type { Found, ScanContext, ScanReport } from "./scan/report.ts";
import { scanSerial } from "./scan/serial.ts";
import { scanUnits, unitsFromText } from "./scan/units.ts";
import { table } from "./table.ts";

interface Options {
  readonly bus: string;
  readonly units: readonly number[];
  readonly limit: number;
  readonly rate: number;
  readonly timeout?: number;
  readonly listen: number;
  readonly baud?: readonly number[];
  readonly parity?: Line["parity"];
  readonly deviceFiles?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  fieldwatt device scan --bus tcp://192.168.1.20:502
  fieldwatt device scan --bus /dev/ttyUSB0 --units 1-32 --limit 300
  fieldwatt device scan --bus mqtt://user:password@127.0.0.1:1883 --limit 60 --json

It only reads. A broker is subscribed to. A serial line is listened to at the rates of meters that talk (8N1 and 7E1;
give --listen 11 for DSMR 2 to 4, which talk each ten seconds); then Modbus units are asked (functions 3 and 4); where
none answers, one telegram is asked for: DL/T 645, IEC 62056-21 (7E1), M-Bus, SDI-12 (7E1). Ctrl-C ends it and prints
what was found until then.`;

const LIMIT_S = 60;
const RATE = 20;
/** VE.Direct and DSMR 5 talk each second; DSMR 4 each ten. */
const LISTEN_S = 2.2;
/** A meter at 9600 baud answers within 100 ms; a bridge on the network may take longer. */
const TIMEOUT_MS = { serial: 200, network: 500 };
/** The rates and parities that meters and probes leave the works with, the most usual first. */
const LINES: readonly Line[] = [
  { baudRate: 9_600, parity: "none" },
  { baudRate: 4_800, parity: "none" },
  { baudRate: 19_200, parity: "none" },
  { baudRate: 9_600, parity: "even" },
  { baudRate: 19_200, parity: "even" },
  { baudRate: 2_400, parity: "none" },
  { baudRate: 38_400, parity: "none" },
  { baudRate: 115_200, parity: "none" },
];

/** `fieldwatt device scan --bus …`: what hangs there, and which device files read it. */
export const deviceScanCommand = (terminal: Terminal): Command =>
  new Command("scan")
    .description("find out what hangs on a bus, without ever writing to a device")
    .requiredOption("--bus <address>", "tcp://HOST:PORT, rtu-over-tcp://…, udp://…, /dev/tty… or mqtt://…")
    .option(
      "--units <list>",
      "Modbus units to ask, for example 1-20,100",
      unitsFromText,
      unitsFromText("1-247"),
    )
    .option("--limit <s>", "end after so many seconds", positiveNumber({ to: 86_400 }), LIMIT_S)
    .option("--rate <n>", "at most so many requests a second", positiveNumber({ to: 1_000 }), RATE)
    .option("--timeout <ms>", "how long a unit may take to answer", wholeNumber({ from: 20, to: 60_000 }))
    .option(
      "--listen <s>",
      "how long to listen at each rate of a serial line before asking",
      positiveNumber({ to: 60 }),
      LISTEN_S,
    )
    .option("--baud <rate>", "only this rate of a serial line; may be given again", collectBaud)
    .option("--parity <parity>", "only this parity of a serial line: none, even or odd", parity)
    .option("--device-files <folder>", "the device files of this folder too")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action((options: Options) =>
      guard(terminal, async () => {
        const report = await scan(options, terminal, stopSignal());
        terminal.stdout.write(`${options.json ? JSON.stringify(report, undefined, 2) : text(report)}\n`);
      }),
    );

const baudRate = wholeNumber({ from: 300, to: 1_000_000 });
const collectBaud = (value: string, before: readonly number[] = []): number[] => [...before, baudRate(value)];

function parity(value: string): Line["parity"] {
  if (value === "none" || value === "even" || value === "odd") return value;
  throw new InvalidArgumentError("It must be none, even or odd.");
}

async function scan(options: Options, terminal: Terminal, stop: AbortSignal): Promise<ScanReport> {
  const definitions = (await openCatalogue(options.deviceFiles)).all();
  const context: ScanContext = {
    signal: AbortSignal.any([stop, AbortSignal.timeout(options.limit * 1_000)]),
    progress: (line) => terminal.stderr.write(`${line}\n`),
  };
  return scanBus(busAddress(options.bus), definitions, { ...options, context });
}

/** Scans one bus. @throws FieldwattError BUS_CLOSED where it cannot be opened */
export async function scanBus(
  address: BusAddress,
  definitions: readonly DeviceDefinition[],
  options: Omit<Options, "bus" | "limit"> & { readonly context: ScanContext },
): Promise<ScanReport> {
  const { context, units, rate } = options;
  if (address.kind === "mqtt") return scanMqtt({ url: address.url, definitions, context });
  if (address.kind === "serial") {
    const timeoutMs = options.timeout ?? TIMEOUT_MS.serial;
    const listenMs = options.listen * 1_000;
    return scanSerial({
      listenMs,
      path: address.path,
      units,
      lines: linesOf(options),
      ...(options.baud && { only: options.baud }),
      timeoutMs,
      rate,
      definitions,
      context,
    });
  }
  const timeoutMs = options.timeout ?? TIMEOUT_MS.network;
  await using reader = openPoliteReader({ ...address, unit: 1 }, { timeoutMs, rate, signal: context.signal });
  const gateway = address.kind === "modbus-tcp";
  const scanned = await scanUnits(reader, { units, definitions, context, gateway });
  return { bus: `${address.host}:${address.port}`, ...scanned };
}

function linesOf({ baud, parity: only }: Pick<Options, "baud" | "parity">): Line[] {
  if (baud)
    return baud.flatMap((rate) =>
      (only ? [only] : (["none", "even"] as const)).map((one) => ({ baudRate: rate, parity: one })),
    );
  return only
    ? [...new Set(LINES.map((line) => line.baudRate))].map((rate) => ({ baudRate: rate, parity: only }))
    : [...LINES];
}

const VALUES_SHOWN = 4;

function text({ bus, complete, notes, found }: ScanReport): string {
  const rows = found.flatMap(rowsOf);
  const list =
    rows.length > 0
      ? [table(["where", "device file", "fit", "values"], rows)]
      : [`${bus}: nothing was found`];
  const end = complete ? [] : ["The scan is not complete."];
  return [...list, "", ...notes, ...end].join("\n").trimEnd();
}

function rowsOf({ where, says, guesses }: Found): string[][] {
  const named = says === undefined ? [] : [[where, "", "", says]];
  if (guesses.length === 0 && named.length === 0)
    return [[where, "?", "", "it answers, and no device file fits"]];
  return [
    ...named,
    ...guesses.map(({ device, score, values }, index) => [
      index === 0 && named.length === 0 ? where : "",
      device,
      `${Math.round(score * 100)} %`,
      shown(values),
    ]),
  ];
}

function shown(values: Readonly<Record<string, number>>): string {
  const entries = Object.entries(values);
  const more = entries.length > VALUES_SHOWN ? ` and ${entries.length - VALUES_SHOWN} more` : "";
  return (
    entries
      .slice(0, VALUES_SHOWN)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ") + more
  );
}
