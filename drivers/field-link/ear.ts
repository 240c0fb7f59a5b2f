import type { FieldwattError } from "../../domain/model/index.ts";
import type { BytePort } from "../serial/port.ts";
import type { ReceivedFrame } from "./frame.ts";
import { openSplitter } from "./splitter.ts";

/** What is waited for: the answer of one node to one request, if it is accepted. */
export interface Awaited {
  readonly node: number;
  readonly sequence: number;
  accepts(frame: ReceivedFrame): boolean;
}

/** Hears a line, and knows what was asked for. */
export interface Ear {
  /** The first frame that is accepted; undefined when the time is over. Throws BUS_CLOSED, or the signal's reason. */
  hear(awaited: Awaited): Promise<ReceivedFrame | undefined>;
  /** Frames that answered nothing, by the number that they bore, since the last look. */
  takeUnasked(): ReadonlyMap<number, number>;
  /** Bytes of no whole frame. */
  garbage(): number;
}

export interface EarOptions {
  readonly answerMs: number;
  readonly signal: AbortSignal;
}

/** Numbers of strangers that are counted apart. */
const STRANGERS_MAX = 64;

interface Waiting extends Awaited {
  settle(frame: ReceivedFrame): void;
  fail(error: FieldwattError): void;
}

export function openEar(port: BytePort, options: EarOptions): Ear {
  const splitter = openSplitter();
  let unasked = new Map<number, number>();
  let waiting: Waiting | undefined;
  let closed: FieldwattError | undefined;
  const count = ({ node }: ReceivedFrame): void => {
    if (unasked.has(node) || unasked.size < STRANGERS_MAX) unasked.set(node, (unasked.get(node) ?? 0) + 1);
  };
  port.onData((bytes) => {
    // What a gateway sent is an echo: some adapters hear themselves.
    for (const frame of splitter.push(bytes).filter(({ fromGateway }) => !fromGateway)) {
      const mine = waiting?.node === frame.node && waiting.sequence === frame.sequence;
      if (mine && waiting?.accepts(frame)) waiting.settle(frame);
      else count(frame);
    }
  });
  port.onClose((error) => {
    closed = error;
    waiting?.fail(error);
  });
  return {
    async hear(awaited) {
      if (closed) throw closed;
      try {
        return await answered(options, (settle, fail) => (waiting = { ...awaited, settle, fail }));
      } finally {
        waiting = undefined;
      }
    },
    takeUnasked() {
      const found = unasked;
      unasked = new Map();
      return found;
    },
    garbage: () => splitter.garbage,
  };
}

type Begin = (settle: Waiting["settle"], fail: Waiting["fail"]) => void;

function answered({ answerMs, signal }: EarOptions, begin: Begin): Promise<ReceivedFrame | undefined> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const timer = setTimeout(() => resolve(undefined), answerMs);
    over.signal.addEventListener("abort", () => clearTimeout(timer));
    const end = (settle: () => void): void => {
      over.abort();
      settle();
    };
    signal.addEventListener("abort", () => end(() => reject(signal.reason)), { signal: over.signal });
    begin(
      (frame) => end(() => resolve(frame)),
      (error) => end(() => reject(error)),
    );
    if (signal.aborted) end(() => reject(signal.reason));
  });
}
