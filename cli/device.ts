import { readFile, stat } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError, instant, messageOf, toIso, unitOf, type Sample } from "../domain/model/index.ts";
import {
  bytesFromHex,
  decodeMessage,
  decodeRegisters,
  decodeRtu,
  decodeSerialBytes,
  parseRegisters,
  type Catalogue,
  type Decoded,
  type DeviceDefinition,
} from "../drivers/index.ts";
import { guard, openCatalogue, type Terminal } from "./device-command.ts";
import { deviceListCommand, deviceShowCommand } from "./device-list.ts";
import { deviceNewCommand } from "./device-new.ts";
import { deviceTestCommand } from "./device-test.ts";

interface DecodeOptions {
  readonly device?: string;
  readonly protocol?: string;
  readonly deviceFiles?: string;
  readonly registers?: string;
  readonly request?: string;
  readonly frame?: string;
  readonly bytes?: string;
  readonly hex?: string;
  readonly topic?: string;
  readonly payload?: string;
}

/** `fieldwatt device`: list, show, new, test, decode. */
export function deviceCommand(terminal: Terminal = process): Command {
  const device = new Command("device")
    .description("device files: what the gateway can read, and a way to try it")
    .addCommand(deviceListCommand(terminal))
    .addCommand(deviceShowCommand(terminal))
    .addCommand(deviceNewCommand(terminal))
    .addCommand(deviceTestCommand(terminal));
  decodeSubcommand(device).action((options: DecodeOptions) =>
    guard(terminal, async () =>
      terminal.stdout.write(`${JSON.stringify(await decode(options), undefined, 2)}\n`),
    ),
  );
  return device;
}

const decodeSubcommand = (device: Command): Command =>
  device
    .command("decode")
    .description("decode recorded bytes of a device, without hardware, to one JSON object")
    .option("--device <id>", "the device file, for example eastron-sdm120")
    .option("--protocol <name>", "a protocol that describes itself: sunspec or vedirect")
    .option("--device-files <folder>", "read the device files of this folder too")
    .option(
      "--registers <file>",
      'Modbus registers as JSON: {"input": {"0": ["4366", "3333"]}, "holding": {}}',
    )
    .option("--request <hex>", "a Modbus RTU request, CRC included; with --frame")
    .option("--frame <hex>", "the reply to --request, CRC included")
    .option("--bytes <file>", "a recorded serial stream")
    .option("--hex <hex>", "a serial stream in hex")
    .option("--topic <topic>", "the topic of an MQTT message; with --payload")
    .option("--payload <file>", "the payload of the message")
    .option("--json", "print JSON (decode always does)")
    .addHelpText("after", EXAMPLES);

const EXAMPLES = `
Examples:
  fieldwatt device decode --device eastron-sdm120 --request 01040000000271CB --frame 010404436633341B38
  fieldwatt device decode --protocol sunspec --registers inverter.json
  fieldwatt device decode --device victron-mppt --bytes vedirect.dump
  fieldwatt device decode --device shelly-energy --topic shellyplus1pm-a1/status/switch:0 --payload status.json`;

/** What `decode` prints: readings in the stored units, and what could not be read. */
export interface DecodeReport {
  readonly device: string;
  readonly readings: readonly {
    readonly quantity: string;
    readonly value: number;
    readonly unit: string;
    readonly channel?: string;
    /** Only where the device stamped the value itself. */
    readonly time?: string;
  }[];
  readonly problems: Decoded["problems"];
}

/**
 * Decodes recorded input. Throws DECODE_INPUT_INVALID where the options do not name one input in a known form, and
 * DEVICE_UNKNOWN; damage within the input is among the problems.
 */
export async function decode(options: DecodeOptions): Promise<DecodeReport> {
  const catalogue = await openCatalogue(options.deviceFiles);
  const candidates = candidatesOf(catalogue, options);
  const decoder = await inputOf(options);
  let best: DecodeReport | undefined;
  for (const definition of candidates) {
    const report = reportOf(definition, decoder(definition));
    if (!best || report.readings.length > best.readings.length) best = report;
  }
  if (!best) throw invalid("no device file speaks that protocol");
  return best;
}

const invalid = (message: string, cause?: unknown): FieldwattError =>
  new FieldwattError("DECODE_INPUT_INVALID", message, { cause });

/** Names of self-describing protocols; each is the device files that speak it, and the one that finds most is right. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  sunspec: "sunspec",
  vedirect: "vedirect",
  "ve.direct": "vedirect",
  "ve-direct": "vedirect",
};

function candidatesOf(
  catalogue: Catalogue,
  { device, protocol }: DecodeOptions,
): readonly DeviceDefinition[] {
  if (device !== undefined && protocol === undefined) return [catalogue.find(device)];
  if (protocol === undefined || device !== undefined) throw invalid("give --device ID or --protocol NAME");
  const kind = PROTOCOLS[protocol.toLowerCase()];
  if (kind === undefined)
    throw invalid(`there is no self-describing protocol "${protocol}"; use sunspec or vedirect`);
  return catalogue.all().filter(({ dialect }) => dialect.kind === kind);
}

type Decoder = (definition: DeviceDefinition) => Decoded;

async function inputOf(options: DecodeOptions): Promise<Decoder> {
  const { registers, request, frame, bytes, hex, topic, payload } = options;
  const given = [registers, request ?? frame, bytes, hex, topic ?? payload].filter(
    (input) => input !== undefined,
  );
  if (given.length !== 1) {
    throw invalid(
      "give one input: --registers, --request with --frame, --bytes, --hex, or --topic with --payload",
    );
  }
  if (registers !== undefined) {
    const parsed = parseRegisters(await readJson(registers));
    return (definition) => decodeRegisters(definition, parsed);
  }
  if (request !== undefined && frame !== undefined)
    return (definition) => decodeRtu(definition, request, frame);
  if (bytes !== undefined || hex !== undefined) {
    const stream = bytes === undefined ? bytesFromHex(hex ?? "") : await read(bytes);
    return (definition) => decodeSerialBytes(definition, stream);
  }
  if (topic !== undefined && payload !== undefined) return messageInput(topic, payload);
  throw invalid(
    topic === undefined && payload === undefined
      ? "--request and --frame belong together"
      : "--topic and --payload belong together",
  );
}

/** A relative time in the payload is counted from the moment at which the file was written. */
async function messageInput(topic: string, file: string): Promise<Decoder> {
  const payload = await read(file);
  const now = instant(Math.round((await stat(file)).mtimeMs));
  return (definition) => {
    const decoded = decodeMessage(definition, { topic, payload, now });
    if (decoded.samples.length > 0 || decoded.problems.length > 0) return decoded;
    return {
      samples: [],
      problems: [{ code: "unexpectedReply", detail: `${definition.id} gives nothing on ${topic}` }],
    };
  };
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw invalid(`${file} cannot be read: ${messageOf(cause)}`, cause);
  });
}

async function readJson(file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await read(file));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`${file} is not JSON: ${messageOf(cause)}`, cause);
  }
}

const reportOf = (definition: DeviceDefinition, { samples, problems }: Decoded): DecodeReport => ({
  device: definition.id,
  readings: samples.map(readingOf),
  problems,
});

const readingOf = ({ quantity, value, channel, time }: Sample): DecodeReport["readings"][number] => ({
  quantity,
  value,
  unit: unitOf(quantity),
  ...(channel !== undefined && { channel }),
  ...(time !== undefined && { time: toIso(time) }),
});
