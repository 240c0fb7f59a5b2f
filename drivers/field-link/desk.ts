import { FieldwattError, type Entropy, type Instant } from "../../domain/model/index.ts";
import { openSerialPort, type BytePort } from "../serial/port.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import type { Written } from "./cbor-write.ts";
import { NO_KEY } from "./frame.ts";
import { isDone, updateStateOf, type Greeting, type UpdateState } from "./messages.ts";
import { openTalk, type Conversation, type Talk } from "./talk.ts";

/**
 * One node at a time, by hand: what a person does who stands before it with a cable. A serial port has one owner: the
 * gateway lends its desk on a line that it reads (bus.ts), and another line is opened here.
 */
export interface NodeDesk {
  /**
   * Gives the node whose button was pressed a number and a key of its own, and hears it speak with them. Whatever it had
   * before is gone. Throws DEVICE_TIMEOUT where no node's button was pressed, DEVICE_REFUSED, DEVICE_GARBLED.
   */
  provision(number: number, book: NodeBook): Promise<NodeEntry>;
  /** Begins a conversation with a node that is in the book. Throws DEVICE_TIMEOUT, DEVICE_GARBLED. */
  greet(entry: NodeEntry): Promise<KnownNode>;
}

export interface KnownNode extends Greeting {
  /** Seconds between samples, 1 to 65535; the node keeps it. Throws DEVICE_REFUSED. */
  setInterval(seconds: number): Promise<void>;
  /** Switches the relay, which falls off by itself after so many seconds. Throws DEVICE_REFUSED. */
  switchRelay(on: boolean, seconds: number): Promise<void>;
  /** One step of an update (drivers/field-link/update.ts). */
  update(step: number, offset: number, bytes: Uint8Array): Promise<UpdateState>;
}

export interface DeskOptions {
  readonly path: string;
  readonly baudRate: number;
  readonly entropy: Entropy;
  readonly now: () => Instant;
  readonly signal: AbortSignal;
  readonly answerMs?: number;
  /** A port for a test; a serial port where absent. */
  readonly openPort?: typeof openSerialPort | (() => Promise<BytePort>);
}

const CONFIG = { provision: 1, interval: 2, relay: 3 } as const;
const KEY_BYTES = 16;

/** A desk with a line of its own. */
export interface OwnNodeDesk extends NodeDesk, AsyncDisposable {}

/** Throws BUS_CLOSED. */
export async function openNodeDesk(options: DeskOptions): Promise<OwnNodeDesk> {
  const { path, baudRate, entropy, now, signal, answerMs, openPort = openSerialPort } = options;
  const port = await openPort({ path, baudRate, parity: "none", stopBits: 1 });
  const talk = openTalk(port, { name: path, entropy, signal, answerMs });
  return {
    ...deskOn(talk, { entropy, now }),
    [Symbol.asyncDispose]: () => port[Symbol.asyncDispose](),
  };
}

/** A desk on a line that is open. Conversations that went on there before are over. */
export const deskOn = (talk: Talk, { entropy, now }: Pick<DeskOptions, "entropy" | "now">): NodeDesk => ({
  async provision(number, book) {
    const key = entropy(KEY_BYTES);
    await configure(talk, await talk.greet(0, NO_KEY), [CONFIG.provision, number, key]);
    const { hardware, firmware } = await talk.greet(number, key);
    const about = { number, hardware, firmware, provisioned: now(), key: Buffer.from(key).toString("hex") };
    const entry = { ...about, counter: 0, lines: [], datedThrough: 0, through: 0, said: [] };
    await book.save(entry);
    return entry;
  },
  async greet({ number, key }) {
    const conversation = await talk.greet(number, Uint8Array.from(Buffer.from(key, "hex")));
    return {
      ...conversation,
      setInterval: (seconds) => configure(talk, conversation, [CONFIG.interval, seconds]),
      switchRelay: (on, seconds) => switchRelay(talk, conversation, { on, seconds }),
      update: (step, offset, bytes) => update(talk, conversation, [step, offset, bytes]),
    };
  },
});

/** Throws DEVICE_REFUSED, DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED. */
export const switchRelay = (
  talk: Talk,
  conversation: Conversation,
  { on, seconds }: { readonly on: boolean; readonly seconds: number },
): Promise<void> => configure(talk, conversation, [CONFIG.relay, on ? 1 : 0, seconds]);

async function configure(talk: Talk, conversation: Conversation, body: readonly Written[]): Promise<void> {
  const question = { type: "CONFIG", body, expects: ["CONFIG"] } as const;
  const { frame } = await talk.ask(conversation.node, question, conversation.signature);
  if (isDone(frame)) return;
  throw new FieldwattError(
    "DEVICE_REFUSED",
    `node ${conversation.node} refuses the setting ${body.join(" ")}`,
  );
}

async function update(
  talk: Talk,
  conversation: Conversation,
  body: readonly Written[],
): Promise<UpdateState> {
  const question = { type: "UPDATE", body, expects: ["UPDATE"] } as const;
  return updateStateOf((await talk.ask(conversation.node, question, conversation.signature)).frame);
}
