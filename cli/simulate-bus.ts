import { dirname, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { readBusFile, faultRule, busFile, type BusFile } from "../simulators/bus-file.ts";
import { openBus, type SimulatedBus } from "../simulators/bus.ts";
import { hasRegisters } from "../simulators/device/fake.ts";
import { findSheet } from "../simulators/device/sheet.ts";
import { openMqttTalker, openSerialTalker, type Talker } from "../simulators/talkers.ts";
import { clockOf, positiveNumber, stopSignal, tellParent, wholeNumber } from "./command-line.ts";
import { table } from "./table.ts";

const EXAMPLES = `
Examples:
  $ fieldwatt simulate device eastron-sdm630                      one meter on 127.0.0.1:5020, unit 1
  $ fieldwatt simulate device sdm120 ./my-meter.yaml --pty meters two units on one serial line
  $ fieldwatt simulate device sdm120 --values tests --set voltage=231.2
  $ fieldwatt simulate device dsmr-p1 --pty p1                    telegrams each second
  $ fieldwatt simulate device goodwe-et --udp 8899 --unit 247       datagrams, as GoodWe's Wi-Fi stick speaks
  $ fieldwatt simulate device opendtu-inverter --mqtt mqtt://127.0.0.1:1883 --topic solar
  $ fieldwatt simulate device shelly-energy --form gen1 --mqtt mqtt://127.0.0.1:1883 --topic shellies/em-1
  $ fieldwatt simulate device sdm120 --fault late:chance=0.1,ms=1500 --fault flipped:every=7`;
const BUS_EXAMPLE = `
A bus file:
  tcp: 5020                     # or  pty: meters,  or  udp: 8899
  seed: 7
  units:
    1: { device: eastron-sdm630, values: tests }
    2: { device: ./my-meter.yaml, set: { voltage: 231.2 }, faults: [{ kind: late, chance: 0.1, ms: 1500 }] }
    3: { device: sdm120, faults: [{ kind: dead }] }

Faults: late, slow, dropped, dead, duplicated, truncated, foreign, flipped, exception (code), reset, halfOpen,
unplugged (ms); each with chance, after, every and times.`;

interface RunOptions {
  readonly json?: true;
  readonly trace?: true;
  readonly deviceFiles?: string;
}

interface DeviceOptions extends RunOptions {
  readonly tcp?: number;
  readonly udp?: number;
  readonly host: string;
  readonly framing: "mbap" | "rtu";
  readonly pty?: string;
  readonly mqtt?: string;
  readonly topic?: string;
  readonly form?: string;
  readonly period: number;
  readonly unit: number;
  readonly seed: number;
  readonly values: "walk" | "tests";
  readonly set: Readonly<Record<string, number>>;
  readonly fault: BusFile["units"][string]["faults"];
}

const shared = (command: Command): Command =>
  command
    .option("--device-files <folder>", "device files of your own, besides those of Fieldwatt")
    .option("--trace", "print every request to standard error")
    .option("--json", "print JSON");

/** `fieldwatt simulate bus FILE`: several units on one wire, with faults as data. */
export const simulateBusCommand = (): Command =>
  shared(new Command("bus").description("run the units of a bus file on one TCP server or serial line"))
    .argument("<file>", "the bus file, YAML")
    .addHelpText("after", BUS_EXAMPLE)
    .action(async (file: string, options: RunOptions) =>
      run(await readBusFile(file), { ...options, folder: dirname(resolve(file)) }),
    );

/** `fieldwatt simulate device ID…`: fakes of device files, unit after unit on one wire. */
export const simulateDeviceCommand = (): Command =>
  shared(new Command("device").description("run a fake of any device that has a device file"))
    .argument("<ids...>", "ids of device files, or paths to them")
    .option("--tcp <port>", "serve Modbus TCP on this port, 0 takes a free one (default: 5020)", port)
    .option("--udp <port>", "serve GoodWe's datagrams on this port, 0 takes a free one", port)
    .option("--host <address>", "where the server listens", "127.0.0.1")
    .option("--framing <framing>", "what the TCP connection carries: mbap or rtu", framing, "mbap")
    .option("--pty <link>", "serve Modbus RTU on a pseudo-terminal with this link")
    .option("--mqtt <url>", "publish to this broker: a device that speaks MQTT, or LoRaWAN behind ChirpStack")
    .option("--topic <topic>", "the topic that its messages are below (default: its id)")
    .option("--form <form>", "other messages that its file reads: gen1 of Shelly, cbor of SenML")
    .option(
      "--period <s>",
      "seconds between the telegrams of a device that talks by itself",
      positiveNumber({ to: 3_600 }),
      1,
    )
    .option("--unit <n>", "the first device's unit", wholeNumber({ from: 0, to: 255 }), 1)
    .option(
      "--seed <n>",
      "the same seed gives the same values and faults",
      wholeNumber({ from: 0, to: 2 ** 32 - 1 }),
      1,
    )
    .option("--values <how>", "walk: plausible values; tests: those of the file's tests", how, "walk")
    .option("--set <point=value>", "hold a point, in its stored unit; may be given again", collectSet, {})
    .option(
      "--fault <fault>",
      "KIND or KIND:chance=0.1,ms=1500 (see simulate bus --help); may be given again",
      collectFault,
      [],
    )
    .addHelpText("after", EXAMPLES)
    .action(simulateDevices);

const port = wholeNumber({ from: 0, to: 65_535 });
const DEFAULT_PORT = 5_020;

function choice<Name extends string>(...names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be ${names.join(" or ")}.`);
    return found;
  };
}
const framing = choice("mbap", "rtu");
const how = choice("walk", "tests");

function collectSet(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const [target = "", value, ...rest] = text.split("=");
  if (
    target === "" ||
    value === undefined ||
    value.trim() === "" ||
    rest.length > 0 ||
    !Number.isFinite(Number(value))
  )
    throw new InvalidArgumentError("Write a point and a number, for example voltage.L1=231.2.");
  return { ...before, [target]: Number(value) };
}

function collectFault(text: string, before: DeviceOptions["fault"]): DeviceOptions["fault"] {
  const [kind = "", details = "", ...rest] = text.split(":");
  const pairs = details === "" ? [] : details.split(",").map((pair) => pair.split("="));
  const checked = faultRule.safeParse({
    kind,
    ...Object.fromEntries(pairs.map(([key = "", value = ""]) => [key, Number(value)])),
  });
  if (checked.success && rest.length === 0) return [...before, checked.data];
  throw new InvalidArgumentError(checked.error?.issues.map(({ message }) => message).join("; ") ?? "");
}

async function simulateDevices(ids: readonly string[], options: DeviceOptions): Promise<void> {
  const talker = await openTalker(ids, options);
  if (talker) return runTalker(talker, options);
  const { tcp, udp, pty, host, unit, seed, values, set, fault } = options;
  const units = ids.map((device, index) => [String(unit + index), { device, values, set, faults: fault }]);
  const wires = { tcp, udp, pty };
  const wire = (udp ?? pty) === undefined ? { tcp: tcp ?? DEFAULT_PORT } : wires;
  const file = busFile.safeParse({
    ...wire,
    host,
    framing: options.framing,
    seed,
    units: Object.fromEntries(units),
  });
  if (!file.success)
    throw new FieldwattError("OPTION_INVALID", file.error.issues.map(({ message }) => message).join("; "));
  await run(file.data, { ...options, folder: process.cwd() });
}

/** A device without registers is alone on its line. */
async function openTalker(
  [id = "", ...others]: readonly string[],
  options: DeviceOptions,
): Promise<Talker | undefined> {
  const sheet = findSheet(id, options.deviceFiles === undefined ? [] : [options.deviceFiles]);
  if (others.length > 0 || hasRegisters(sheet)) return undefined;
  const { seed, set, mqtt, pty, topic = sheet.id, form } = options;
  const how = { seed, set, clock: clockOf(undefined), periodMs: options.period * 1_000 };
  if (mqtt !== undefined)
    return openMqttTalker(sheet, { url: mqtt, topic, ...(form !== undefined && { form }) }, how);
  if (pty !== undefined) return openSerialTalker(sheet, pty, how);
  throw new FieldwattError("OPTION_INVALID", `${sheet.id} has no registers: give --pty LINK or --mqtt URL`);
}

async function runTalker(opened: Talker, { json }: RunOptions): Promise<void> {
  const stop = stopSignal();
  await using talker = opened;
  const ready = { event: "ready", address: talker.address };
  console.log(json ? JSON.stringify(ready) : `${talker.address}\n\nRunning; Ctrl-C ends it.`);
  tellParent(ready);
  await ended(stop);
}

async function ended(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await new Promise((end) => stop.addEventListener("abort", end, { once: true }));
  if (process.connected) process.disconnect();
}

async function run(file: BusFile, options: RunOptions & { readonly folder: string }): Promise<void> {
  const stop = stopSignal();
  const { deviceFiles, trace, folder } = options;
  await using bus = await openBus(file, {
    clock: clockOf(undefined),
    folder,
    ...(deviceFiles !== undefined && { deviceFiles: [deviceFiles] }),
    ...(trace && { onRequest: traceRequest }),
  });
  const ready = {
    event: "ready",
    address: bus.address,
    units: bus.units.map(({ unit, fake }) => ({ unit, device: fake.sheet.id })),
  };
  console.log(options.json ? JSON.stringify(ready) : text(bus));
  tellParent(ready);
  await ended(stop);
}

const traceRequest = (unit: number, request: Uint8Array): void =>
  void process.stderr.write(`unit ${unit} was asked ${Buffer.from(request).toString("hex")}\n`);

function text({ address, units }: SimulatedBus): string {
  const rows = units.map(({ unit, fake }) => [String(unit), fake.sheet.id, String(fake.at(0).values.size)]);
  return [`${address}`, "", table(["unit", "device", "points"], rows), "", "Running; Ctrl-C ends it."].join(
    "\n",
  );
}
