import { FieldwattError, type Entropy, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { NOTHING, type Connection, type Decoded } from "../driver.ts";
import { openSerialPort, type BytePort, type PortSettings } from "../serial/port.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import type { NodeDialect } from "./dialect.ts";
import { deskOn, switchRelay, type NodeDesk } from "./desk.ts";
import { openKept } from "./kept.ts";
import { openMuted } from "./muted.ts";
import { readNode } from "./node.ts";
import { openTalk, type Conversation, type Talk } from "./talk.ts";

type SerialConnection = Extract<Connection, { kind: "serial" }>;

/** What a node said, and what is to be called when all of it is durable. */
export interface NodeReading extends Decoded {
  /** The number of the last sample or event that was read, now or before. */
  readonly through: number;
  /** From now on the node may forget what was read. */
  kept(): Promise<void>;
}

/** One serial line with one node or several. Whatever is asked of it waits its turn. */
export interface NodeBus extends AsyncDisposable {
  /**
   * Reads all that waits in a node. Nothing is read while the time is not known: the node keeps its samples.
   * Throws DEVICE_TIMEOUT, DEVICE_GARBLED (also of a node that is muted because it babbles), BUS_CLOSED, KEY_INVALID,
   * DEVICE_UNKNOWN where the node was never provisioned here, FOLDER_UNWRITABLE, or the reason of the signal.
   */
  read(definition: DeviceDefinition, connection: SerialConnection, signal: AbortSignal): Promise<NodeReading>;
  /**
   * Switches a node's relay, which falls off by itself after so many seconds. Throws DEVICE_TIMEOUT, DEVICE_REFUSED,
   * DEVICE_GARBLED, DEVICE_UNKNOWN, BUS_CLOSED.
   */
  switchRelay(definition: DeviceDefinition, connection: SerialConnection, relay: RelayOrder): Promise<void>;
  /** Lends the line to a person's work; what waits in the nodes waits until it is over. Throws BUS_CLOSED, and as `work`. */
  atDesk<Result>(settings: LineSettings, work: (desk: NodeDesk) => Promise<Result>): Promise<Result>;
}

export interface RelayOrder {
  readonly on: boolean;
  readonly seconds: number;
}

/** A line without its nodes. */
export type LineSettings = Pick<PortSettings, "path" | "baudRate">;

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

/** The port is opened when it is needed, and again after a fault of the port. */
export function openNodeBus(options: NodeBusOptions): NodeBus {
  const progress = openKept(options.book);
  const muted = openMuted(options.now);
  const line = holdLine(options);

  const turnOf = async (open: OpenLine, number: number, dialect: NodeDialect): Promise<NodeReading> => {
    muted.check(number, open.talk.takeUnasked());
    const turn = await inConversation(open, await progress.find(number), (entry, conversation) =>
      readNode(entry, dialect, {
        ...options,
        ...{ talk: open.talk, conversation, datedHere: progress.datedHere(number) },
      }),
    );
    progress.dated(turn);
    return { ...turn.decoded, through: turn.through, kept: () => progress.keep(turn) };
  };
  return {
    async read(definition, connection, signal) {
      const dialect = dialectOf(definition);
      if (!options.trusted()) return NOT_YET;
      return line.use(settingsOf(connection, dialect), signal, (open) =>
        turnOf(open, numberOf(connection), dialect),
      );
    },
    switchRelay: (definition, connection, relay) =>
      line.use(settingsOf(connection, dialectOf(definition)), undefined, async (open) => {
        const entry = await progress.find(numberOf(connection));
        await inConversation(open, entry, (_entry, conversation) =>
          switchRelay(open.talk, conversation, relay),
        );
      }),
    atDesk: (settings, work) =>
      line.use(settings, undefined, async (open) => {
        // Whoever is greeted at the desk has left its conversation with the bus.
        open.conversations.clear();
        return work(deskOn(open.talk, options));
      }),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

function dialectOf({ id, dialect }: DeviceDefinition): NodeDialect {
  if (dialect.kind === "node") return dialect;
  throw new FieldwattError("DEVICE_UNKNOWN", `${id} is no node`);
}

const settingsOf = ({ path, baudRate }: SerialConnection, dialect: NodeDialect): LineSettings => ({
  path,
  baudRate: baudRate ?? dialect.baudRate,
});

/** The line of a bus, for one at a time. */
function holdLine(options: NodeBusOptions) {
  let open: OpenLine | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const close = async (): Promise<void> => {
    const old = open;
    open = undefined;
    await old?.[Symbol.asyncDispose]();
  };
  const opened = async (settings: LineSettings): Promise<OpenLine> => {
    if (isClosed) throw new FieldwattError("BUS_CLOSED", `${settings.path}: the gateway ends`);
    open ??= await openLine({ ...settings, parity: "none", stopBits: 1 }, options);
    return open;
  };
  const useNow = async <Result>(
    settings: LineSettings,
    signal: AbortSignal | undefined,
    run: (open: OpenLine) => Promise<Result>,
  ): Promise<Result> => {
    signal?.throwIfAborted();
    const stopped = (): void => open?.stop(signal?.reason);
    signal?.addEventListener("abort", stopped);
    try {
      return await run(await opened(settings));
    } catch (error) {
      if (signal?.aborted || !isOfNode(error)) await close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", stopped);
    }
  };
  return {
    use<Result>(
      settings: LineSettings,
      signal: AbortSignal | undefined,
      run: (open: OpenLine) => Promise<Result>,
    ): Promise<Result> {
      const result = last.then(() => useNow(settings, signal, run));
      last = result.catch(() => undefined);
      return result;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      open?.stop(new FieldwattError("BUS_CLOSED", "the gateway ends"));
      await last;
      await close();
    },
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

/** With the conversation that goes on with a node, or a new one. */
async function inConversation<Result>(
  { talk, conversations }: OpenLine,
  entry: NodeEntry,
  work: (entry: NodeEntry, conversation: Conversation) => Promise<Result>,
): Promise<Result> {
  const { number } = entry;
  try {
    const conversation = conversations.get(number) ?? (await talk.greet(number, keyOf(entry)));
    conversations.set(number, conversation);
    return await work(entry, conversation);
  } catch (error) {
    // It may have started again, or have another key: the next time it is greeted.
    conversations.delete(number);
    throw error;
  }
}

/** Whether the node failed, and not the line. */
const isOfNode = (error: unknown): boolean =>
  error instanceof FieldwattError &&
  ["DEVICE_TIMEOUT", "DEVICE_GARBLED", "DEVICE_UNKNOWN", "DEVICE_REFUSED", "UPDATE_REFUSED"].includes(
    error.code,
  );

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
