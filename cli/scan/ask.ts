import { hasCode, instant } from "../../domain/model/index.ts";
import type { TelegramDialect } from "../../drivers/definition.ts";
import { isAsked, openTelegramBus, type DeviceDefinition } from "../../drivers/index.ts";
import { openSerialPort, telegramPort } from "../../drivers/serial/port.ts";
import { identifySdi12 } from "../../drivers/telegram/sdi12-ask.ts";
import { openTalk } from "../../drivers/telegram/talk.ts";
import { targetName } from "../../drivers/value.ts";
import { lineName, type Line } from "./line.ts";
import type { Found, ScanContext } from "./report.ts";

/**
 * Meters that keep still until somebody asks, each in its own protocol and at its own rate: one question that any
 * meter of the protocol answers (IEC 62056-21 `/?!`, M-Bus to 254, DL/T 645 to AA…AA, SDI-12 `?!`). All of them read.
 */
export interface AskOptions {
  readonly path: string;
  /** Only protocols of these rates; every one where absent. */
  readonly only?: readonly number[];
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
}

type Asked = DeviceDefinition & { readonly dialect: TelegramDialect };

/** The first meter that answers. @throws FieldwattError BUS_CLOSED, or the reason of the signal */
export async function askTelegrams(options: AskOptions): Promise<Found | undefined> {
  const { definitions, only, path, context } = options;
  const asked = definitions.filter(
    (one): one is Asked =>
      one.dialect.kind === "telegram" && isAsked(one) && (!only || only.includes(one.dialect.baudRate)),
  );
  const [sensors, meters] = [asked.filter(isSdi12), asked.filter((one) => !isSdi12(one))];
  for (const meter of meters) {
    context.progress(`${path}: asking for ${meter.dialect.protocol} at ${lineName(lineOf(meter))}`);
    const found = await askMeter(meter, undefined, options);
    if (found) return found;
  }
  return sensors.length > 0 ? askSensors(sensors, options) : undefined;
}

const isSdi12 = ({ dialect }: Asked): boolean => dialect.protocol === "sdi12";

const lineOf = ({ dialect: { baudRate, dataBits, parity } }: Asked): Line => ({
  baudRate,
  dataBits,
  parity: dataBits === 7 ? "even" : parity,
});

/** Undefined where nobody answers, or what answers makes no telegram. */
async function askMeter(
  meter: Asked,
  address: string | undefined,
  { path, context: { signal } }: AskOptions,
): Promise<Found | undefined> {
  await using bus = openTelegramBus({ now: () => instant(0) });
  const connection = { kind: "serial", path, address } as const;
  try {
    const { samples } = await bus.read(meter, connection, signal);
    const values = Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
    const line = lineOf(meter);
    const guesses = samples.length > 0 ? [{ device: meter.id, score: 1, values }] : [];
    return { where: lineName(line), ...line, says: `${meter.dialect.protocol}, when it is asked`, guesses };
  } catch (error) {
    signal.throwIfAborted();
    if (NO_METER.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}
const NO_METER = ["DEVICE_TIMEOUT", "DEVICE_GARBLED", "DEVICE_REFUSED"] as const;

/** Values of SDI-12 have no names: a sensor is known by its maker's, and else each file is a guess. */
async function askSensors(sensors: readonly Asked[], options: AskOptions): Promise<Found | undefined> {
  const [first] = sensors;
  if (!first) return undefined;
  const { path, context } = options;
  const line = lineOf(first);
  context.progress(`${path}: asking for sdi12 at ${lineName(line)}`);
  const sensor = await identify(first, options);
  if (!sensor) return undefined;
  const { address, identification } = sensor;
  const read = [];
  for (const one of sensors) {
    const guess = (await askMeter(one, address, options))?.guesses[0];
    if (guess) read.push({ ...guess, score: isOf(one, identification) ? 1 : UNKNOWN_SENSOR });
  }
  const guesses = read.sort((a, b) => b.score - a.score);
  return {
    where: `${lineName(line)} address ${address}`,
    ...line,
    says: `SDI-12: ${identification}`,
    guesses,
  };
}

const UNKNOWN_SENSOR = 0.3;
/** SDI-12 1.4, 4.4.2: two characters of version, then eight of the vendor. */
const isOf = ({ maker }: DeviceDefinition, identification: string): boolean =>
  identification.slice(2, 10).trim().toLowerCase() === maker.slice(0, 8).toLowerCase();

async function identify(sensor: Asked, { path, context: { signal } }: AskOptions) {
  await using port = await openSerialPort(telegramPort(path, undefined, sensor.dialect));
  try {
    return await identifySdi12(openTalk(port, { name: path, dataBits: sensor.dialect.dataBits, signal }));
  } catch (error) {
    signal.throwIfAborted();
    if (NO_METER.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}
