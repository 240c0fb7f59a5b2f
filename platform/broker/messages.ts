import type { ErrorCode } from "../../domain/model/index.ts";

/** What the program and the broker's thread say to each other. Calls carry a number that their answer repeats. */

export interface ThreadOptions {
  readonly host: string;
  readonly port: number;
  readonly packetBytesMax: number;
}

/** From the program to the thread; the first one opens it. */
export type Order =
  | { readonly kind: "open"; readonly options: ThreadOptions }
  | { readonly kind: "signedIn"; readonly call: number; readonly user: string | undefined }
  | { readonly kind: "subscribed"; readonly call: number; readonly allowed: boolean }
  | { readonly kind: "decided"; readonly taken: readonly number[]; readonly refused: readonly number[] }
  | {
      readonly kind: "publish";
      readonly call: number;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly retain: boolean;
    }
  | { readonly kind: "close" };

export type Level = "debug" | "warn" | "error";

/** From the thread to the program. */
export type Report =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string }
  | {
      readonly kind: "signIn";
      readonly call: number;
      readonly user: string;
      readonly password: string;
      readonly address: string;
    }
  | { readonly kind: "subscribe"; readonly call: number; readonly user: string; readonly filter: string }
  | { readonly kind: "messages"; readonly batch: PackedMessages }
  | { readonly kind: "published"; readonly call: number; readonly error?: string }
  | { readonly kind: "connected" | "disconnected"; readonly user: string }
  | { readonly kind: "sharedClientId"; readonly clientId: string; readonly users: readonly string[] }
  | {
      readonly kind: "log";
      readonly level: Level;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly text: string;
    };

export interface Message {
  readonly user: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/**
 * Messages as columns, their payloads one after another in one buffer that changes hands: one event of the loop
 * carries all that a turn brought, and no payload is copied twice.
 */
export interface PackedMessages {
  readonly calls: readonly number[];
  readonly users: readonly string[];
  readonly topics: readonly string[];
  /** QoS, and 4 where the message was to be retained. */
  readonly flags: readonly number[];
  readonly lengths: readonly number[];
  readonly payloads: ArrayBuffer;
}

const RETAIN = 4;
const QOS = 3;

/** @returns the packed messages; `payloads` may be transferred */
export function pack(
  messages: readonly { readonly call: number; readonly message: Message }[],
): PackedMessages {
  const lengths = messages.map(({ message }) => message.payload.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const { message } of messages) {
    bytes.set(message.payload, at);
    at += message.payload.length;
  }
  return {
    calls: messages.map(({ call }) => call),
    users: messages.map(({ message }) => message.user),
    topics: messages.map(({ message }) => message.topic),
    flags: messages.map(({ message }) => message.qos | (message.retain ? RETAIN : 0)),
    lengths,
    payloads: bytes.buffer,
  };
}

export function* unpack(packed: PackedMessages): Generator<{ call: number; message: Message }> {
  let at = 0;
  for (const [i, call] of packed.calls.entries()) {
    const length = packed.lengths[i] ?? 0;
    const flags = packed.flags[i] ?? 0;
    yield {
      call,
      message: {
        user: packed.users[i] ?? "",
        topic: packed.topics[i] ?? "",
        payload: new Uint8Array(packed.payloads, at, length),
        qos: (flags & QOS) as Message["qos"],
        retain: (flags & RETAIN) !== 0,
      },
    };
    at += length;
  }
}
