import { FieldwattError, type Entropy, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { NOTHING, type Connection, type Decoded } from "../driver.ts";
import { openSerialPort, type BytePort, type PortSettings } from "../serial/port.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import type { NodeDialect } from "./dialect.ts";
import { openKept, type Kept } from "./kept.ts";
import { openMuted } from "./muted.ts";
import { readNode, type NodeTurn } from "./node.ts";
import { openTalk, type Conversation, type Talk } from "./talk.ts";

type SerialConnection = Extract<Connection, { kind: "serial" }>;

/** What a node said, and what is to be called when all of it is durable. */
export interface NodeReading extends Decoded {
  /** The number of the last sample or event that was read, now or before. */
  readonly through: number;
  /** From now on the node may forget what was read. */
  kept(): Promise<void>;
}

/** One serial line with one node or several. Readings must come one after another. */
export interface NodeBus extends AsyncDisposable {
  /**
   * Reads all that waits in a node. Nothing is read while the time is not known: the node keeps its samples.
   * Throws DEVICE_TIMEOUT, DEVICE_GARBLED (also of a node that is muted because it babbles), BUS_CLOSED, KEY_INVALID,
   * DEVICE_UNKNOWN where the node was never provisioned here, FOLDER_UNWRITABLE, or the reason of the signal.
   */
  read(definition: DeviceDefinition, connection: SerialConnection, signal: AbortSignal): Promise<NodeReading>;
}

export interface NodeBusOptions {
  readonly book: NodeBook;
  readonly entropy: Entropy;
  readonly now: () => Instant;
  /** Whether `now` may be believed. */
  readonly trusted: () => boolean;
  /** How long one answer may take; `talk.ts` says, where absent. */
  readonly answerMs?: number | undefined;
  /** A port for a test; a serial port where absent. */
  readonly openPort?: (settings: PortSettings) => Promise<BytePort>;
}

const NOT_YET: NodeReading = { ...NOTHING, through: 0, kept: () => Promise.resolve() };

export const isNode = ({ dialect }: DeviceDefinition): boolean => dialect.kind === "node";

/** The port is opened at the first reading, and again after a fault of the port. */
export function openNodeBus(options: NodeBusOptions): NodeBus {
  const progress = openKept(options.book);
  const muted = openMuted(options.now);
  let open: OpenLine | undefined;
  const close = async (): Promise<void> => {
    const old = open;
    open = undefined;
    await old?.[Symbol.asyncDispose]();
  };
  const turnOf = async (
    number: number,
    dialect: NodeDialect,
    settings: PortSettings,
  ): Promise<NodeReading> => {
    open ??= await openLine(settings, options);
    muted.check(number, open.talk.takeUnasked());
    const turn = await readBy({ ...options, line: open, progress, number, dialect });
    progress.dated(turn);
    return { ...turn.decoded, through: turn.through, kept: () => progress.keep(turn) };
  };
  return {
    async read({ id, dialect }, connection, signal) {
      if (dialect.kind !== "node") throw new FieldwattError("DEVICE_UNKNOWN", `${id} is no node`);
      signal.throwIfAborted();
      if (!options.trusted()) return NOT_YET;
      const { path, baudRate = dialect.baudRate } = connection;
      const stopped = (): void => open?.stop(signal.reason);
      signal.addEventListener("abort", stopped);
      try {
        return await turnOf(numberOf(connection), dialect, { path, baudRate, parity: "none", stopBits: 1 });
      } catch (error) {
        if (signal.aborted || !isOfNode(error)) await close();
        throw error;
      } finally {
        signal.removeEventListener("abort", stopped);
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

interface OpenLine extends AsyncDisposable {
  readonly talk: Talk;
  readonly conversations: Map<number, Conversation>;
  stop(reason?: unknown): void;
}

async function openLine(settings: PortSettings, options: NodeBusOptions): Promise<OpenLine> {
  const { entropy, answerMs, openPort = openSerialPort } = options;
  const port = await openPort(settings);
  const stop = new AbortController();
  return {
    talk: openTalk(port, { name: settings.path, entropy, answerMs, signal: stop.signal }),
    conversations: new Map(),
    stop: (reason) => stop.abort(reason),
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return port[Symbol.asyncDispose]();
    },
  };
}

interface Turn extends Pick<NodeBusOptions, "book" | "now"> {
  readonly line: OpenLine;
  readonly progress: Kept;
  readonly number: number;
  readonly dialect: NodeDialect;
}

async function readBy({ line, progress, number, dialect, ...rest }: Turn): Promise<NodeTurn> {
  const { talk, conversations } = line;
  const entry = await progress.find(number);
  try {
    const conversation = conversations.get(number) ?? (await talk.greet(number, keyOf(entry)));
    conversations.set(number, conversation);
    return await readNode(entry, dialect, {
      ...rest,
      talk,
      conversation,
      datedHere: progress.datedHere(number),
    });
  } catch (error) {
    // It may have started again, or have another key: the next time it is greeted.
    conversations.delete(number);
    throw error;
  }
}

/** Whether the node failed, and not the line. */
const isOfNode = (error: unknown): boolean =>
  error instanceof FieldwattError &&
  ["DEVICE_TIMEOUT", "DEVICE_GARBLED", "DEVICE_UNKNOWN"].includes(error.code);

const keyOf = ({ key }: NodeEntry): Uint8Array => Uint8Array.from(Buffer.from(key, "hex"));

/** The number of a node on its line, as the site file's `address`. Throws DEVICE_UNKNOWN. */
export function numberOf({ path, address }: SerialConnection): number {
  const number = Number(address);
  if (address === undefined || !Number.isInteger(number) || number < 1 || number > 2 ** 32 - 1)
    throw new FieldwattError(
      "DEVICE_UNKNOWN",
      `${path}: a node has a number: write address: "7" in its connection`,
    );
  return number;
}
