import { FieldwattError, type Entropy } from "../../domain/model/index.ts";
import type { BytePort } from "../serial/port.ts";
import { encodeCbor, type Written } from "./cbor-write.ts";
import { openEar, type Ear } from "./ear.ts";
import { encodeFrame, NO_CONTEXT, type MessageType, type ReceivedFrame, type Signature } from "./frame.ts";
import { greetingOf, type Greeting } from "./messages.ts";

/** One line of nodes: questions go out one at a time, and nothing counts that answers none. */
export interface Talk {
  /**
   * Asks, and asks again up to `TRIES` times, each time with a new sequence: what came before can answer none of them.
   * Throws DEVICE_TIMEOUT, DEVICE_GARBLED (answers come, but none that is signed), BUS_CLOSED, the signal's reason.
   */
  ask(node: number, question: Question, signature: Signature): Promise<Answered>;
  /** Begins a conversation. Throws as `ask`. */
  greet(node: number, key: Uint8Array): Promise<Conversation>;
  /** Frames that answered nothing, by the number that they bore, since the last look. */
  takeUnasked(): ReadonlyMap<number, number>;
}

export interface Question {
  readonly type: MessageType;
  readonly body: readonly Written[];
  /** What may come back. */
  readonly expects: readonly MessageType[];
}

export interface Answered {
  readonly frame: ReceivedFrame;
  /** Milliseconds from the question to its answer. */
  readonly roundTrip: number;
}

export interface Conversation extends Greeting {
  readonly node: number;
  readonly signature: Signature;
}

export interface TalkOptions {
  /** Of the line, for messages. */
  readonly name: string;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  /** How long one answer may take; 600 ms where absent. */
  readonly answerMs?: number | undefined;
}

export const TRIES = 4;
const ANSWER_MS = 600;
const NONCE_BYTES = 8;

interface Line extends TalkOptions {
  readonly port: BytePort;
  readonly ear: Ear;
  /** Of this line's next request: no two have the same. */
  nextSequence(): number;
}

export function openTalk(port: BytePort, options: TalkOptions): Talk {
  const ear = openEar(port, { answerMs: ANSWER_MS, ...present(options) });
  let sequence = 0;
  const line = { ...options, port, ear, nextSequence: () => ++sequence };
  return {
    ask: (node, question, signature) =>
      exchange(line, { ...question, node, out: signature, accepts: (frame) => frame.isSignedBy(signature) }),
    greet: (node, key) => greet(line, node, key),
    takeUnasked: () => ear.takeUnasked(),
  };
}

const present = ({ signal, answerMs }: TalkOptions) => ({
  signal,
  ...(answerMs !== undefined && { answerMs }),
});

interface Exchange extends Question {
  readonly node: number;
  readonly out: Signature;
  accepts(frame: ReceivedFrame): boolean;
}

async function exchange(
  line: Line,
  { node, type, body, expects, out, accepts }: Exchange,
): Promise<Answered> {
  const { port, ear, name, signal } = line;
  const garbage = ear.garbage();
  let strange = 0;
  const isAnswer = (frame: ReceivedFrame): boolean => {
    const good = expects.includes(frame.type) && accepts(frame);
    if (!good) strange += 1;
    return good;
  };
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    signal.throwIfAborted();
    const sequence = line.nextSequence();
    const begun = performance.now();
    const heard = ear.hear({ node, sequence, accepts: isAnswer });
    const request = { type, fromGateway: true, sequence, node, body: encodeCbor(body) };
    const [frame] = await Promise.all([heard, port.write(encodeFrame(request, out))]);
    if (frame) return { frame, roundTrip: performance.now() - begun };
  }
  const damaged = ear.garbage() - garbage;
  if (strange === 0 && damaged === 0)
    throw new FieldwattError("DEVICE_TIMEOUT", `${name}: node ${node} gave no answer to ${type}`);
  const seen = `${strange} frames of another key or kind, ${damaged} damaged bytes`;
  throw new FieldwattError(
    "DEVICE_GARBLED",
    `${name}: node ${node} does not answer ${type} in a known form: ${seen}`,
  );
}

/** The greeting is signed by the key alone; its answer by the conversation that it begins, so that none can be repeated. */
async function greet(line: Line, node: number, key: Uint8Array): Promise<Conversation> {
  const nonce = line.entropy(NONCE_BYTES);
  let begun: Conversation | undefined;
  const accepts = (frame: ReceivedFrame): boolean => {
    const greeting = greetingOf(frame);
    const signature = greeting && { key, context: contextOf(greeting, nonce) };
    if (!signature || !frame.isSignedBy(signature)) return false;
    begun = { ...greeting, node, signature };
    return true;
  };
  const out = { key, context: NO_CONTEXT };
  await exchange(line, { node, type: "HELLO", body: [nonce], expects: ["HELLO"], out, accepts });
  if (begun) return begun;
  throw new FieldwattError("DEVICE_GARBLED", `${line.name}: node ${node} does not greet in a known form`);
}

/** What both sides know of one conversation alone. */
function contextOf({ boot, hellos }: Greeting, nonce: Uint8Array): Uint8Array {
  const context = Buffer.alloc(16);
  context.writeUInt32BE(boot, 0);
  context.writeUInt32BE(hellos, 4);
  context.set(nonce, 8);
  return context;
}
