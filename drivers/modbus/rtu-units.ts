import type { ReadRequest } from "./pdu.ts";
import type { HeardReply, Said, Shape } from "./rtu-frames.ts";

/**
 * What is known of each unit of an RTU line: which replies it may still owe, which shapes of reply it has just sent,
 * and whether it speaks unasked. See rtu.ts for what that is good for.
 */
export interface UnitLedger {
  /** A request leaves: its unit owes a reply until this one or a fence is answered. */
  sent(request: ReadRequest, isFence: boolean): void;
  /** Whether the unit may still send what would pass for the reply to this request. */
  mustFence(request: ReadRequest): boolean;
  /** Whether the unit owes replies that nobody waits for any more. */
  isInDebt(unit: number): boolean;
  /** The fence beside this request; its shape is none that the unit owes, nor the request's. */
  fenceFor(request: ReadRequest): Fence;
  /** The unit's own reply to the fence is here: what it owed before can no longer come. */
  fenced(fence: Fence, said: Said): void;
  /** The unit's own reply, when nothing else was owed. */
  answered(request: ReadRequest, said: Said): void;
  /** Replies that came in place of, or before, the one that was waited for. */
  heard(replies: readonly HeardReply[]): void;
  /** How long yet, in ms, until no second copy can come that would pass for the reply to this request. */
  copiesMs(request: ReadRequest, isFence: boolean): number;
  /** Whether the unit spoke unasked lately, so that its answer needs a fence behind it too, and what to ask is known. */
  canCheck(request: ReadRequest): boolean;
  /** Whether something came after the unit's last answer that could have been the answer, and is another. */
  isContradicted(unit: number): boolean;
}

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

/** A second copy of a reply comes so soon after the first, if at all: twice the 16 ms of common USB adapters, and some. */
const COPY_WITHIN_MS = 50;
/** So many answers of a unit that spoke unasked are checked. */
const CHECKED_ANSWERS = 32;
/** A unit that gave no answer to so many fences in a row is no longer asked for what it used to have. */
const MAX_KNOWN_FAILURES = 3;
/** Lengths that are tried for a fence, in registers. */
const LENGTHS: readonly number[] = Array.from({ length: 10 }, (_, index) => index + 1);

interface Heard {
  /** ms of performance.now(). */
  readonly at: number;
  /** The address that it answered, where it is known. */
  readonly place?: number;
}

/** What is known of one unit. Shapes are at most two tables of 125 lengths, and the exception of each. */
interface Unit {
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
}

export function unitLedger(): UnitLedger {
  const units = new Map<number, Unit>();
  const unitOf = (address: number): Unit => {
    const unit = units.get(address) ?? newUnit();
    units.set(address, unit);
    return unit;
  };
  return {
    sent(request, isFence) {
      const unit = unitOf(request.unit);
      unit.isRepeat = !isFence && copiesOf(request, unit) === "own";
      owe(unit, request);
    },
    isInDebt: (address) => unitOf(address).owed.size > 0,
    mustFence(request) {
      const unit = unitOf(request.unit);
      if (unit.owed.size > 0) return true;
      return unit.doubts.has(keyOf(request)) && copiesOf(request, unit) !== "own";
    },
    fenceFor: (request) => fenceOf(request, unitOf(request.unit)),
    fenced({ asked, kind }, { answer }) {
      const unit = unitOf(asked.unit);
      note(unit, shapeOf(asked, answer), asked);
      unit.refusesParts = kind !== "part" && unit.fencesFailed > 1;
      payOff(unit);
    },
    answered(request, { answer, frame }) {
      const unit = unitOf(request.unit);
      note(unit, shapeOf(request, answer), request);
      if (answer.kind === "words") moveLast(unit.known, keyOf(request), request);
      unit.last = { request, frame };
      unit.isContradicted = false;
      unit.checks = Math.max(0, unit.checks - 1);
      // The answer to a repeat may be a copy, and then proves nothing.
      const doubts = unit.isRepeat ? [...unit.doubts, keyOf(request)] : [];
      payOff(unit);
      doubts.forEach((doubt) => unit.doubts.add(doubt));
    },
    heard: (replies) => replies.forEach((reply) => hear(unitOf(reply.unit), reply)),
    copiesMs(request, isFence) {
      const unit = unitOf(request.unit);
      if (!isFence && copiesOf(request, unit) === "own") return 0;
      const last = Math.max(...heardLike(request, unit).map(({ at }) => at));
      return last + COPY_WITHIN_MS - performance.now();
    },
    canCheck(request) {
      const unit = unitOf(request.unit);
      return (
        unit.checks > 0 &&
        knownFences(unit).some((fence) => isSure(fence, unit) && isFree(fence, request, unit))
      );
    },
    isContradicted: (address) => unitOf(address).isContradicted,
  };
}

const newUnit = (): Unit => ({
  owed: new Map(),
  known: new Map(),
  heard: new Map(),
  isRepeat: false,
  doubts: new Set(),
  fencesFailed: 0,
  refusesParts: false,
  checks: 0,
  isContradicted: false,
});

const keyOf = ({ table, count }: Shape): string => `${table} ${count}`;

const shapeOf = ({ table, count }: ReadRequest, { kind }: Said["answer"]): Shape =>
  kind === "words" ? { table, count } : { table, count: 0 };

function moveLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
}

const owe = (unit: Unit, shape: Shape): void => moveLast(unit.owed, keyOf(shape), shape);

function note(unit: Unit, shape: Shape, asked?: ReadRequest): void {
  unit.heard.set(keyOf(shape), { at: performance.now(), ...(asked && { place: asked.at }) });
}

function payOff(unit: Unit): void {
  unit.fencesFailed = 0;
  unit.doubts.clear();
  unit.owed.clear();
}

/** What was heard last that looks like a reply to this request: registers, and an exception. */
const heardLike = (request: ReadRequest, { heard }: Unit): Heard[] =>
  [request, { ...request, count: 0 }].map((shape) => heard.get(keyOf(shape)) ?? { at: -Infinity });

/**
 * Copies that may come and would pass for the reply to this request: `own` where they could only be copies of the
 * reply to the very same request.
 */
function copiesOf(request: ReadRequest, unit: Unit): "none" | "own" | "foreign" {
  const isFresh = ({ at }: Heard): boolean => at + COPY_WITHIN_MS > performance.now();
  const [registers, exception] = heardLike(request, unit);
  if (exception && isFresh(exception)) return "foreign";
  if (!registers || !isFresh(registers)) return "none";
  return registers.place === request.at ? "own" : "foreign";
}

function hear(unit: Unit, reply: HeardReply): void {
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

const isFree = ({ asked }: Fence, request: ReadRequest, { owed, doubts }: Unit): boolean =>
  keyOf(asked) !== keyOf(request) && !owed.has(keyOf(asked)) && !doubts.has(keyOf(asked));

const isSure = ({ kind }: Fence, { refusesParts }: Unit): boolean => kind === "whole" || !refusesParts;

function fenceOf(request: ReadRequest, unit: Unit): Fence {
  const known = unit.fencesFailed < MAX_KNOWN_FAILURES ? knownFences(unit) : [];
  const fence = [...known, ...otherFences(request, unit)].find((candidate) =>
    isFree(candidate, request, unit),
  );
  unit.fencesFailed += 1;
  return fence ?? oldestFence(request, unit);
}

/** A register that exists gives no exception; all exceptions look alike, and one that comes may be an older request's. */
function knownFences(unit: Unit): Fence[] {
  const known = [...unit.known.values()].reverse();
  const fence = (kind: Fence["kind"], asked: ReadRequest): Fence => ({
    asked,
    kind,
    expects: "registers",
    exceptionProves: false,
  });
  const [last] = known;
  const parts = last
    ? LENGTHS.filter((count) => count < last.count).map((count) => fence("part", { ...last, count }))
    : [];
  const wholes = known.map((asked) => fence("whole", asked));
  return unit.refusesParts || unit.fencesFailed > 0 ? [...wholes, ...parts] : [...parts, ...wholes];
}

/** The other table has exceptions of its own. Some devices have one table only and ignore the other. */
function otherFences(request: ReadRequest, unit: Unit): Fence[] {
  const table = request.table === "holding" ? "input" : "holding";
  const isOwed = [...unit.owed.values()].some((shape) => shape.table === table);
  const fence = (asked: ReadRequest, exceptionProves: boolean): Fence => ({
    asked,
    kind: "other",
    expects: "anything",
    exceptionProves,
  });
  const same = LENGTHS.map((count) => fence({ ...request, count }, false));
  return isOwed ? same : [fence({ ...request, table }, true), ...same];
}

/** When every length is owed, the one that was owed first is the least likely still to come. */
function oldestFence(request: ReadRequest, unit: Unit): Fence {
  const count = [...unit.owed.values()].find(
    (shape) => shape.table === request.table && shape.count > 0 && shape.count !== request.count,
  )?.count;
  const asked = { ...request, count: count ?? (request.count === 1 ? 2 : 1) };
  return { asked, kind: "other", expects: "anything", exceptionProves: false };
}
