import { setTimeout as wait } from "node:timers/promises";
import { decodeSerialBytes, type DeviceDefinition } from "../../drivers/index.ts";
import { openSerialPort } from "../../drivers/serial/port.ts";
import { fromSevenBits, isSevenBits } from "../../drivers/telegram/line-bits.ts";
import { targetName } from "../../drivers/value.ts";
import { lineName, type Line } from "./line.ts";
import type { Found, Guess, ScanContext } from "./report.ts";
import { telegramIn } from "./telegrams.ts";

/**
 * Rates at which meters talk by themselves: DSMR 4 and 5; VE.Direct; SML and DSMR 2; IEC 62056-21 mode D. A byte of
 * seven bits with even parity is as long as one of eight without, so each rate is listened at once for both.
 */
const TALKING: readonly number[] = [115_200, 19_200, 9_600, 2_400];
const BYTES_MAX = 16_384;

export interface ListenOptions {
  readonly path: string;
  /** Only these rates; every usual one where absent. */
  readonly only?: readonly number[];
  /** How long at each rate. */
  readonly listenMs: number;
  readonly definitions: readonly DeviceDefinition[];
  readonly context: ScanContext;
}

/** Hears one rate after the other, and sends nothing. Undefined where nobody talks. @throws FieldwattError BUS_CLOSED */
export async function listen(options: ListenOptions): Promise<Found | undefined> {
  const { path, only, context, definitions } = options;
  for (const baudRate of only ?? TALKING) {
    context.progress(`${path}: listening at ${baudRate} baud, 8N1 and 7E1`);
    const found = recognise(definitions, baudRate, await hear(baudRate, options));
    if (found) return found;
  }
  return undefined;
}

async function hear(baudRate: number, { path, listenMs, context }: ListenOptions): Promise<Uint8Array> {
  const { signal } = context;
  await using port = await openSerialPort({ path, baudRate, parity: "none", stopBits: 1 });
  let heard: Uint8Array = new Uint8Array(0);
  port.onData((bytes) => (heard = Buffer.concat([heard, bytes]).subarray(-BYTES_MAX)));
  port.onClose(() => undefined);
  await wait(listenMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  return heard;
}

function recognise(
  definitions: readonly DeviceDefinition[],
  baudRate: number,
  raw: Uint8Array,
): Found | undefined {
  if (raw.length === 0) return undefined;
  const sevenBits = isSevenBits(raw);
  const bytes = sevenBits ? fromSevenBits(raw) : raw;
  const line: Line = sevenBits
    ? { baudRate, parity: "even", dataBits: 7 }
    : { baudRate, parity: "none", dataBits: 8 };
  const guesses = talkersIn(definitions, bytes, line);
  const says = telegramIn(bytes);
  if (guesses.length === 0 && says === undefined) return undefined;
  return { where: lineName(line), ...line, ...(says !== undefined && { says }), guesses };
}

/** Device files of talkers that make values of the bytes; who makes most of them, then who has such a line, is first. */
function talkersIn(definitions: readonly DeviceDefinition[], bytes: Uint8Array, line: Line): Guess[] {
  const decoded = definitions
    .filter((definition) => canTalk(definition, line))
    .map((definition) => ({ definition, samples: decodeSerialBytes(definition, bytes).samples }));
  const most = Math.max(1, ...decoded.map(({ samples }) => samples.length));
  return decoded
    .filter(({ samples }) => samples.length > 0)
    .sort(
      (a, b) =>
        b.samples.length - a.samples.length || likeness(b.definition, line) - likeness(a.definition, line),
    )
    .map(({ definition, samples }) => ({
      device: definition.id,
      score: Math.round((100 * samples.length) / most) / 100,
      values: Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value])),
    }));
}

/** Characters of seven bits are of a device that says so; heads that strip the parity make eight bits of them. */
const canTalk = ({ dialect }: DeviceDefinition, { dataBits }: Line): boolean =>
  (dialect.kind === "telegram" && (dataBits === 8 || dialect.dataBits === 7)) ||
  (dialect.kind === "vedirect" && dataBits === 8);

function likeness({ dialect }: DeviceDefinition, { baudRate, dataBits }: Line): number {
  if (dialect.kind !== "telegram") return 0;
  return Number(dialect.baudRate === baudRate) + Number(dialect.dataBits === dataBits);
}
