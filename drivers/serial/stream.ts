import { FieldwattError, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import type { Connection, Decoded } from "../driver.ts";
import { openSerialPort, type BytePort } from "./port.ts";
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
  const { dialect } = definition;
  if (dialect.kind !== "vedirect")
    throw new FieldwattError("DEVICE_UNKNOWN", `${definition.id} is no serial talker`);
  const closing = new AbortController();
  const take = (
    bytes: Uint8Array,
    parser: ReturnType<typeof vedirectParser>,
    seen: { blocks: number },
  ): void => {
    for (const block of parser.push(bytes)) {
      seen.blocks += 1;
      if (block.checksumFits)
        options.onDecoded(stamped(decodeBlock(dialect.points, block.fields), options.now()));
      // The first block after opening is usually the rest of one that began before.
      else if (seen.blocks > 1)
        options.onFault(
          new FieldwattError("DEVICE_GARBLED", `${connection.path}: a block's checksum is wrong`),
        );
    }
  };
  const done = keepOpen(connection, options, closing.signal, () => {
    const [parser, seen] = [vedirectParser(), { blocks: 0 }];
    return (bytes) => {
      take(bytes, parser, seen);
      return seen.blocks;
    };
  });
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      await done;
    },
  };
}

const stamped = ({ samples, problems }: Decoded, time: Instant): Decoded => ({
  samples: samples.map((sample) => ({ ...sample, time })),
  problems,
});

/** Takes bytes, and tells how many blocks were seen since the port was opened. */
type Listener = (bytes: Uint8Array) => number;

async function keepOpen(
  connection: SerialConnection,
  options: StreamOptions,
  signal: AbortSignal,
  listen: () => Listener,
): Promise<void> {
  const shortest = options.reopenMs ?? DEFAULT_REOPEN_MS;
  let delay = shortest;
  while (!signal.aborted) {
    try {
      await using port = await openSerialPort({ ...connection, parity: "none", stopBits: 1 });
      const blocks = await listenUntilEnd(port, listen(), { connection, options, signal });
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
  readonly connection: SerialConnection;
  readonly options: StreamOptions;
  readonly signal: AbortSignal;
}

/** Resolves, with the number of blocks, when the port ends, falls silent or the signal aborts; faults are told. */
function listenUntilEnd(
  port: BytePort,
  listener: Listener,
  { connection, options, signal }: Listening,
): Promise<number> {
  const silenceMs = options.silenceMs ?? DEFAULT_SILENCE_MS;
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
      end(new FieldwattError("DEVICE_TIMEOUT", `${connection.path}: no whole block came in ${silenceMs} ms`));
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
