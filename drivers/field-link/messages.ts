import { FieldwattError } from "../../domain/model/index.ts";
import { decodeCbor, type Cbor } from "../mqtt/cbor.ts";
import type { ReceivedFrame } from "./frame.ts";

/** What a node says of itself. */
export interface Greeting {
  /** A number that no start of this node had before. */
  readonly boot: number;
  /** Greetings in this start. */
  readonly hellos: number;
  readonly hardware: string;
  readonly firmware: string;
  readonly capabilities: number;
  /** Seconds between samples. */
  readonly interval: number;
}

export const CAPABILITIES = { relay: 1, update: 2, keepsSamples: 4 } as const;

export interface Backlog {
  /** The first that waits; one more than `newest` where none does. */
  readonly oldest: number;
  readonly newest: number;
  /** Samples of this start that found no room. */
  readonly missed: number;
}

/** One kept piece: a sample with its SenML pack, or an event. */
export interface Kept {
  readonly sequence: number;
  readonly boot: number;
  /** Hundredths of a second since the node's start, modulo 2^32. */
  readonly tick: number;
  readonly pack?: Cbor;
  readonly event?: NodeEvent;
}

export interface NodeEvent {
  readonly kind: "started" | "missed" | "relayDropped" | "unknown";
  /** Of `started`: the part's reset cause, as its data sheet counts bits (ATmega328P: MCUSR). */
  readonly detail: number;
}
const EVENTS: readonly NodeEvent["kind"][] = ["unknown", "started", "missed", "relayDropped"];

const invalid = (detail: string): FieldwattError =>
  new FieldwattError("DEVICE_GARBLED", `a node's answer is in no known form: ${detail}`);

/** The list that every body is. More items than are known may follow: they are a newer node's. */
function listOf(frame: ReceivedFrame): readonly Cbor[] {
  try {
    const item = decodeCbor(frame.body);
    if (Array.isArray(item)) return item as readonly Cbor[];
  } catch (cause) {
    throw new FieldwattError("DEVICE_GARBLED", "a node's answer is no CBOR", { cause });
  }
  throw invalid("no list");
}

const MAX_NUMBER = 2 ** 32 - 1;

function numberAt(list: readonly Cbor[], at: number): number {
  const value = list[at];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_NUMBER)
    throw invalid(`item ${at} is no number`);
  return value;
}

function textAt(list: readonly Cbor[], at: number): string {
  const value = list[at];
  if (typeof value !== "string" || !/^[\x20-\x7e]{0,12}$/.test(value)) throw invalid(`item ${at} is no text`);
  return value;
}

/** Undefined where it is none: nobody has signed it yet. */
export function greetingOf(frame: ReceivedFrame): Greeting | undefined {
  try {
    const list = listOf(frame);
    return {
      boot: numberAt(list, 0),
      hellos: numberAt(list, 1),
      hardware: textAt(list, 2),
      firmware: textAt(list, 3),
      capabilities: numberAt(list, 4),
      interval: numberAt(list, 5),
    };
  } catch {
    return undefined;
  }
}

/** Throws DEVICE_GARBLED, as all that follow. */
export const tickOf = (frame: ReceivedFrame): number => numberAt(listOf(frame), 0);

export function backlogOf(frame: ReceivedFrame): Backlog {
  const list = listOf(frame);
  return { oldest: numberAt(list, 0), newest: numberAt(list, 1), missed: numberAt(list, 2) };
}

/** Of SAMPLE and EVENT. */
export function keptOf(frame: ReceivedFrame): Kept {
  const list = listOf(frame);
  const about = { sequence: numberAt(list, 0), boot: numberAt(list, 1), tick: numberAt(list, 2) };
  if (frame.type === "SAMPLE") return { ...about, pack: list[3] };
  const detail = list[4];
  return {
    ...about,
    event: {
      kind: EVENTS[numberAt(list, 3)] ?? "unknown",
      detail: typeof detail === "number" ? detail : 0,
    },
  };
}

/** Of CONFIG: whether it was done. */
export const isDone = (frame: ReceivedFrame): boolean => numberAt(listOf(frame), 1) === 0;

export interface UpdateState {
  readonly state: "done" | "refused" | "trial";
  /** The offset that the node waits for. */
  readonly expected: number;
}

export function updateStateOf(frame: ReceivedFrame): UpdateState {
  const list = listOf(frame);
  const states = ["done", "refused", "trial"] as const;
  return { state: states[numberAt(list, 0)] ?? "refused", expected: numberAt(list, 1) };
}
