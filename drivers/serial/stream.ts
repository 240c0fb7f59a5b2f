import { FieldwattError, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition, TelegramDialect, VedirectDialect } from "../definition.ts";
import type { Connection, Decoded } from "../driver.ts";
import { openTelegramReader } from "../telegram/codecs.ts";
import { fromSevenBits } from "../telegram/line-bits.ts";
import { openSerialPort, telegramPort, type BytePort, type PortSettings } from "./port.ts";
import { decodeBlock, vedirectParser } from "./vedirect.ts";

export type SerialConnection = Extract<Connection, { kind: "serial" }>;

export interface StreamOptions {
  /** The time that samples are stamped with. */
  readonly now: () => Instant;
  /** Called for each whole block. */
  readonly onDecoded: (decoded: Decoded) => void;
  /** Called for each fault: BUS_CLOSED, DEVICE_TIMEOUT (silence), DEVICE_GARBLED (a damaged block). */
  readonly onFault: (error: FieldwattError) => void;
  /** Silence after which the port is opened anew; 10 s where absent. A talker sends a block each second. */
  readonly silenceMs?: number;
  /** The first wait before the port is opened again, doubled up to thirty times itself; 1 s where absent. */
  readonly reopenMs?: number;
}

const DEFAULT_SILENCE_MS = 10_000;
/** DSMR 2 to 4 send each 10 s, some Scandinavian meters each 30 s. */
const TELEGRAM_SILENCE_MS = 75_000;
const DEFAULT_REOPEN_MS = 1_000;
const LONGEST_REOPEN = 30;

/**
 * Listens to a device that talks by itself, until it is disposed. The port is opened anew, after a wait, when it goes
 * away or falls silent: a pulled adapter often says nothing at all (serialport#2351).
 * Throws DEVICE_UNKNOWN where the device is no serial talker.
 */
export function openSerialStream(
  connection: SerialConnection,
  definition: DeviceDefinition,
  options: StreamOptions,
): AsyncDisposable {
  const talker = talkerOf(connection, definition, options);
  const closing = new AbortController();
  const done = keepOpen(talker, options, closing.signal);
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      await done;
    },
  };
}

/** How to hear one kind of talker. */
interface Talker {
  readonly settings: PortSettings;
  readonly silenceMs: number;
  listen(): Listener;
}

function talkerOf(
  { path, baudRate }: SerialConnection,
  { id, dialect }: DeviceDefinition,
  options: StreamOptions,
): Talker {
  const garbled = (detail: string): void =>
    options.onFault(new FieldwattError("DEVICE_GARBLED", `${path}: ${detail}`));
  const tell = (decoded: Decoded): void => options.onDecoded(stamped(decoded, options.now()));
  if (dialect.kind === "vedirect") {
    return {
      settings: { path, baudRate: baudRate ?? dialect.baudRate, parity: "none", stopBits: 1 },
      silenceMs: options.silenceMs ?? DEFAULT_SILENCE_MS,
      listen: () => vedirectListener(dialect, tell, garbled),
    };
  }
  if (dialect.kind !== "telegram" || !dialect.pushes)
    throw new FieldwattError("DEVICE_UNKNOWN", `${id} is no serial talker`);
  return {
    settings: telegramPort(path, baudRate, dialect),
    silenceMs: options.silenceMs ?? TELEGRAM_SILENCE_MS,
    listen: () => telegramListener(dialect, tell, garbled),
  };
}

type Tell = (decoded: Decoded) => void;
type Garbled = (detail: string) => void;

function vedirectListener(dialect: VedirectDialect, tell: Tell, garbled: Garbled): Listener {
  const parser = vedirectParser();
  let blocks = 0;
  return (bytes) => {
    for (const block of parser.push(bytes)) {
      blocks += 1;
      if (block.checksumFits) tell(decodeBlock(dialect.points, block.fields));
      // The first block after opening is usually the rest of one that began before.
      else if (blocks > 1) garbled("a block's checksum is wrong");
    }
    return blocks;
  };
}

function telegramListener(dialect: TelegramDialect, tell: Tell, garbled: Garbled): Listener {
  const reader = openTelegramReader(dialect.protocol, dialect);
  let whole = 0;
  return (bytes) => {
    for (const telegram of reader.push(dialect.dataBits === 7 ? fromSevenBits(bytes) : bytes)) {
      const [problem] = telegram.problems;
      if (telegram.samples.length > 0) {
        whole += 1;
        tell(telegram);
      }
      // Before the first whole telegram stands the rest of one that began before.
      else if (problem && whole > 0) garbled(problem.detail);
    }
    return whole;
  };
}

const stamped = ({ samples, problems }: Decoded, time: Instant): Decoded => ({
  samples: samples.map((sample) => ({ ...sample, time })),
  problems,
});

/** Takes bytes, and tells how many blocks were seen since the port was opened. */
type Listener = (bytes: Uint8Array) => number;

async function keepOpen(talker: Talker, options: StreamOptions, signal: AbortSignal): Promise<void> {
  const shortest = options.reopenMs ?? DEFAULT_REOPEN_MS;
  let delay = shortest;
  while (!signal.aborted) {
    try {
      await using port = await openSerialPort(talker.settings);
      const blocks = await listenUntilEnd(port, { talker, options, signal });
      if (blocks > 0) delay = shortest;
    } catch (error) {
      if (!(error instanceof FieldwattError)) throw error;
      options.onFault(error);
    }
    await pause(delay, signal);
    delay = Math.min(delay * 2, shortest * LONGEST_REOPEN);
  }
}

interface Listening {
  readonly talker: Talker;
  readonly options: StreamOptions;
  readonly signal: AbortSignal;
}

/** Resolves, with the number of blocks, when the port ends, falls silent or the signal aborts; faults are told. */
function listenUntilEnd(port: BytePort, { talker, options, signal }: Listening): Promise<number> {
  const { silenceMs, settings } = talker;
  const listener = talker.listen();
  return new Promise((resolve) => {
    let blocks = 0;
    let ended = false;
    const end = (fault?: FieldwattError): void => {
      // Closing the port afterwards tells the same end once more.
      if (ended) return;
      ended = true;
      clearTimeout(watchdog);
      signal.removeEventListener("abort", aborted);
      if (fault && !signal.aborted) options.onFault(fault);
      resolve(blocks);
    };
    const aborted = (): void => end();
    const watchdog = setTimeout(() => {
      end(new FieldwattError("DEVICE_TIMEOUT", `${settings.path}: no whole block came in ${silenceMs} ms`));
    }, silenceMs);
    port.onClose(end);
    port.onData((bytes) => {
      const before = blocks;
      blocks = listener(bytes);
      if (blocks > before) watchdog.refresh();
    });
    signal.addEventListener("abort", aborted);
    if (signal.aborted) end();
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
