import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import {
  bytesFromHex,
  decodeLorawan,
  decodeRegisters,
  decodeRtu,
  decodeSerialTelegrams,
  decodeTelegramBytes,
  openPlausibility,
  parseRegisters,
  TELEGRAM_PROTOCOLS,
  withOptions,
  type Catalogue,
  type Decoded,
  type DeviceDefinition,
  type IndexedTelegram,
} from "../drivers/index.ts";
import { guard, openCatalogue, type Terminal } from "./device-command.ts";
import { decodeTable, type DecodeReport } from "./device-decoded.ts";
import { deviceListCommand, deviceShowCommand } from "./device-list.ts";
import { decodeProtocol, MESSAGE_PROTOCOLS, messageInput, messageProtocol } from "./device-messages.ts";
import { deviceNewCommand } from "./device-new.ts";
import { readingOf, recordedBytes, telegramProtocol, telegramsReport } from "./device-telegrams.ts";
import { deviceProbeCommand } from "./device-probe.ts";
import { deviceScanCommand } from "./device-scan.ts";
import { deviceTestCommand } from "./device-test.ts";

interface DecodeOptions {
  readonly device?: string;
  readonly protocol?: string;
  readonly option?: readonly string[];
  readonly deviceFiles?: string;
  readonly registers?: string;
  readonly request?: string;
  readonly frame?: string;
  readonly bytes?: string;
  readonly hex?: string;
  readonly fport?: number;
  readonly topic?: string | readonly string[];
  readonly payload?: string | readonly string[];
}

/** `fieldwatt device`: list, show, new, test, scan, probe, decode. */
export function deviceCommand(terminal: Terminal = process): Command {
  const device = new Command("device")
    .description("device files: what the gateway can read, and a way to try it")
    .addCommand(deviceListCommand(terminal))
    .addCommand(deviceShowCommand(terminal))
    .addCommand(deviceNewCommand(terminal))
    .addCommand(deviceTestCommand(terminal))
    .addCommand(deviceScanCommand(terminal))
    .addCommand(deviceProbeCommand(terminal));
  decodeSubcommand(device).action((options: DecodeOptions & { json?: true; table?: true }) =>
    guard(terminal, async () => {
      const report = await decode(options);
      const forPeople = options.table ?? (!options.json && terminal.stdout.isTTY === true);
      const text = forPeople ? decodeTable(report) : JSON.stringify(report, undefined, 2);
      terminal.stdout.write(`${text}\n`);
    }),
  );
  return device;
}

const decodeSubcommand = (device: Command): Command =>
  device
    .command("decode")
    .description(
      "decode recorded bytes of a device, without hardware: a table on a terminal, else one JSON object",
    )
    .option("--device <id>", "the device file, for example eastron-sdm120")
    .option("--protocol <name>", `a protocol that describes itself: ${PROTOCOL_NAMES}`)
    .option("--option <name>", "an option that the device file lists; may come several times", gather)
    .option("--device-files <folder>", "read the device files of this folder too")
    .option(
      "--registers <file>",
      'Modbus registers as JSON: {"input": {"0": ["4366", "3333"]}, "holding": {}}',
    )
    .option("--request <hex>", "a Modbus RTU request, CRC included; with --frame")
    .option("--frame <hex>", "the reply to --request, CRC included")
    .option("--bytes <file>", "a recorded serial stream")
    .option("--hex <hex>", "a serial stream, or a LoRaWAN payload, in hex")
    .option("--fport <number>", "the port (FPort) of a LoRaWAN payload", portOf)
    .option(
      "--topic <topic>",
      "the topic of an MQTT message; with --payload; both may come several times",
      gather,
    )
    .option("--payload <file>", "the payload of the message", gather)
    .option("--json", "print JSON, also on a terminal")
    .option("--table", "print a table, also into a pipe")
    .addHelpText("after", EXAMPLES);

const gather = (one: string, before: readonly string[] = []): readonly string[] => [...before, one];

function portOf(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 255)
    throw new InvalidArgumentError("use a number from 0 to 255");
  return Number(text);
}

const EXAMPLES = `
Examples:
  fieldwatt device decode --device eastron-sdm120 --request 01040000000271CB --frame 010404436633341B38
  fieldwatt device decode --protocol sunspec --registers inverter.json
  fieldwatt device decode --device victron-mppt --bytes vedirect.dump
  fieldwatt device decode --protocol dsmr --bytes p1.txt
  fieldwatt device decode --protocol mbus --hex 681B1B6808017207201800E61E35074C0000000C78072018000C16690200009616
  fieldwatt device decode --device dragino-lse01 --fport 2 --hex CE2900F107A5099B6E2890
  fieldwatt device decode --protocol senml --payload pack.json
  fieldwatt device decode --device shelly-energy --topic shellyplus1pm-a1/status/switch:0 --payload status.json`;

/**
 * Decodes recorded input. Throws DECODE_INPUT_INVALID where the options do not name one input in a known form, and
 * DEVICE_UNKNOWN; damage within the input is among the problems.
 */
export async function decode(options: DecodeOptions): Promise<DecodeReport> {
  const protocol = telegramProtocol(options.protocol);
  if (protocol !== undefined && options.device === undefined) {
    const bytes = await streamOf(options);
    return { device: protocol, ...telegramsReport(decodeTelegramBytes(protocol, bytes)) };
  }
  const catalogue = await openCatalogue(options.deviceFiles);
  const messages = messageProtocol(options.protocol);
  if (messages !== undefined && options.device === undefined) {
    const { decoded, records } = await decodeProtocol(messages, catalogue, options);
    return { ...reportOf({ id: messages }, decoded), records };
  }
  const candidates = candidatesOf(catalogue, options);
  const decoder = await inputOf(options);
  let best: DecodeReport | undefined;
  for (const definition of candidates) {
    const report = reportOf(definition, judged(definition, decoder(definition)));
    // A device that was named is left for the meter behind it only where it gives nothing itself.
    const least =
      options.protocol === undefined && best?.readings.length !== 0 ? Infinity : best?.readings.length;
    if (!best || report.readings.length > (least ?? 0)) best = report;
  }
  if (!best) throw invalid("no device file speaks that protocol");
  return best;
}

/** What cannot be true by the device file is marked. Recorded telegrams need not follow each other: each is judged alone. */
function judged(
  definition: DeviceDefinition,
  decoded: Decoded | readonly IndexedTelegram[],
): Decoded | readonly IndexedTelegram[] {
  if ("samples" in decoded) return openPlausibility(definition)(decoded);
  return decoded.map((one) => ({ ...one, ...openPlausibility(definition)(one) }));
}

const invalid = (message: string, cause?: unknown): FieldwattError =>
  new FieldwattError("DECODE_INPUT_INVALID", message, { cause });

const PROTOCOL_NAMES = ["sunspec", "vedirect", ...TELEGRAM_PROTOCOLS, ...MESSAGE_PROTOCOLS].join(", ");

/** Names of self-describing protocols; each is the device files that speak it, and the one that finds most is right. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  sunspec: "sunspec",
  vedirect: "vedirect",
  "ve.direct": "vedirect",
  "ve-direct": "vedirect",
};

function candidatesOf(
  catalogue: Catalogue,
  { device, protocol, option = [] }: DecodeOptions,
): readonly DeviceDefinition[] {
  if (device !== undefined && protocol === undefined) return named(catalogue, device, option);
  if (protocol === undefined || device !== undefined) throw invalid("give --device ID or --protocol NAME");
  const kind = PROTOCOLS[protocol.toLowerCase()];
  if (kind === undefined)
    throw invalid(`there is no self-describing protocol "${protocol}"; use one of ${PROTOCOL_NAMES}`);
  return catalogue.all().filter(({ dialect }) => dialect.kind === kind);
}

/** The device, and the meter that hangs behind it and answers under its address. */
function named(catalogue: Catalogue, id: string, options: readonly string[]): readonly DeviceDefinition[] {
  const device = catalogue.find(id);
  const meter = catalogue.all().filter((other) => other.id === `${device.id}-meter`);
  return [withOptions(device, options), ...meter];
}

type Decoder = (definition: DeviceDefinition) => Decoded | readonly IndexedTelegram[];

async function inputOf(options: DecodeOptions): Promise<Decoder> {
  const { registers, request, frame, bytes, hex, fport, topic, payload } = options;
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
    const stream = await streamOf(options);
    return (definition) =>
      definition.dialect.kind === "lorawan"
        ? decodeLorawan(definition, { bytes: stream, port: fport })
        : decodeSerialTelegrams(definition, stream);
  }
  if (topic !== undefined && payload !== undefined) return messageInput({ topic, payload });
  throw invalid(
    topic === undefined && payload === undefined
      ? "--request and --frame belong together"
      : "--topic and --payload belong together",
  );
}

/** The bytes of --bytes or --hex, which must be the only input. Throws DECODE_INPUT_INVALID. */
async function streamOf({ bytes, hex, protocol, ...other }: DecodeOptions): Promise<Uint8Array> {
  const { registers, request, frame, topic, payload } = other;
  if (
    (registers ?? request ?? frame ?? topic ?? payload) !== undefined ||
    (bytes === undefined) === (hex === undefined)
  )
    throw invalid("a serial stream is one input: give --bytes or --hex");
  return bytes === undefined
    ? bytesFromHex(hex ?? "")
    : recordedBytes(telegramProtocol(protocol), await read(bytes));
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

function reportOf(
  { id, dialect }: Pick<DeviceDefinition, "id"> & Partial<Pick<DeviceDefinition, "dialect">>,
  decoded: Decoded | readonly IndexedTelegram[],
): DecodeReport {
  if (!("samples" in decoded)) {
    const { telegrams, ...rest } = telegramsReport(decoded);
    return { device: id, ...rest, ...(dialect?.kind === "telegram" && { telegrams }) };
  }
  return { device: id, readings: decoded.samples.map(readingOf), problems: decoded.problems };
}
