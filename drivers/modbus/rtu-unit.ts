import type { ReadRequest } from "./pdu.ts";
import { keyOf, type HeardReply, type Said, type Shape } from "./rtu-frames.ts";

/** A second copy of a reply comes so soon after the first, if at all: twice the 16 ms of common USB adapters, and some. */
const COPY_WITHIN_MS = 50;
/** So many answers of a unit that spoke unasked are checked. */
const CHECKED_ANSWERS = 32;
/** A request whose reply proves that older ones can no longer come. */
export interface Fence {
  readonly asked: ReadRequest;
  /** `part` and `whole`: of what the unit has answered before. `other`: nothing is known of what it has. */
  readonly kind: "part" | "whole" | "other";
  /** What counts as its reply: only registers, or an exception as well. */
  readonly expects: "registers" | "anything";
  /** An exception proves nothing where an older request may have caused it. */
  readonly exceptionProves: boolean;
}

interface Heard {
  /** ms of performance.now(). */
  readonly at: number;
  /** The address that it answered, where it is known. */
  readonly place?: number;
}

/** What is known of one unit. Shapes are at most two tables of 125 lengths, and the exception of each. */
export interface Unit {
  /** Shapes of replies that may still come, the one that was owed first in front. */
  readonly owed: Map<string, Shape>;
  /** Its last answered request of each shape, the newest last: what it can certainly be asked for. */
  readonly known: Map<string, ReadRequest>;
  /** The last reply of each shape that was heard. */
  readonly heard: Map<string, Heard>;
  /** What was sent last repeats a request whose reply may have a copy on its way. */
  isRepeat: boolean;
  /** Shapes of such requests: each may have been answered by that copy, and its own reply be yet to come. */
  readonly doubts: Set<string>;
  /** Fences sent since the last that was answered. */
  fencesFailed: number;
  /** Some devices refuse a part of what they give whole; then the whole is asked for first. */
  refusesParts: boolean;
  /** Answers that are still to be checked. */
  checks: number;
  last?: { readonly request: ReadRequest; readonly frame: Uint8Array };
  isContradicted: boolean;
  /** Writes of coils that were sent since the last answer, by coil and state. */
  readonly writes: Map<string, number>;
}

export const newUnit = (): Unit => ({
  owed: new Map(),
  known: new Map(),
  heard: new Map(),
  isRepeat: false,
  doubts: new Set(),
  fencesFailed: 0,
  refusesParts: false,
  checks: 0,
  isContradicted: false,
  writes: new Map(),
});

const shapeOf = ({ table, count }: ReadRequest, { kind }: Said["answer"]): Shape =>
  kind === "words" ? { table, count } : { table, count: 0 };

function moveLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
}

export const owe = (unit: Unit, shape: Shape): void => moveLast(unit.owed, keyOf(shape), shape);

function note(unit: Unit, shape: Shape, asked?: ReadRequest): void {
  unit.heard.set(keyOf(shape), { at: performance.now(), ...(asked && { place: asked.at }) });
}

function payOff(unit: Unit): void {
  unit.fencesFailed = 0;
  unit.doubts.clear();
  unit.owed.clear();
  unit.writes.clear();
}

export function prove(unit: Unit, { asked, kind }: Fence, { answer }: Said): void {
  note(unit, shapeOf(asked, answer), asked);
  unit.refusesParts = kind !== "part" && unit.fencesFailed > 1;
  payOff(unit);
}

export function believe(unit: Unit, request: ReadRequest, { answer, frame }: Said): void {
  note(unit, shapeOf(request, answer), request);
  if (answer.kind === "words") moveLast(unit.known, keyOf(request), request);
  unit.last = { request, frame };
  unit.isContradicted = false;
  unit.checks = Math.max(0, unit.checks - 1);
  // The answer to a repeat may be a copy, and then proves nothing.
  const doubts = unit.isRepeat ? [...unit.doubts, keyOf(request)] : [];
  payOff(unit);
  doubts.forEach((doubt) => unit.doubts.add(doubt));
}

/** How long yet, in ms, a copy may come that would pass for the reply to this request. */
export function copiesMs(request: ReadRequest, unit: Unit): number {
  const last = Math.max(...heardLike(request, unit).map(({ at }) => at));
  return last + COPY_WITHIN_MS - performance.now();
}

/** What was heard last that looks like a reply to this request: registers, and an exception. */
const heardLike = (request: ReadRequest, { heard }: Unit): Heard[] =>
  [request, { ...request, count: 0 }].map((shape) => heard.get(keyOf(shape)) ?? { at: -Infinity });

/**
 * Copies that may come and would pass for the reply to this request: `own` where they could only be copies of the
 * reply to the very same request.
 */
export function copiesOf(request: ReadRequest, unit: Unit): "none" | "own" | "foreign" {
  const isFresh = ({ at }: Heard): boolean => at + COPY_WITHIN_MS > performance.now();
  const [registers, exception] = heardLike(request, unit);
  if (exception && isFresh(exception)) return "foreign";
  if (!registers || !isFresh(registers)) return "none";
  return registers.place === request.at ? "own" : "foreign";
}

export function hear(unit: Unit, reply: HeardReply): void {
  note(unit, reply);
  const isOwed =
    reply.count > 0
      ? unit.owed.has(keyOf(reply))
      : [...unit.owed.values()].some(({ table }) => table === reply.table);
  if (isOwed) return;
  unit.checks = CHECKED_ANSWERS;
  unit.isContradicted ||= contradicts(reply, unit);
  owe(unit, reply);
}

function contradicts({ table, count, frame }: HeardReply, { last }: Unit): boolean {
  if (last?.request.table !== table) return false;
  return (count === 0 || count === last.request.count) && Buffer.compare(frame, last.frame) !== 0;
}
