import type { Answer } from "./line.ts";
import type { ReadRequest } from "./pdu.ts";

/** Lengths that a unit may owe at once. When there are more, the oldest are at least as many time-outs old. */
const MAX_OWED = 8;
/** A register that gave no answer to so many fences in a row is no longer asked. */
const MAX_CANARY_FAILURES = 3;

/** What is known of one unit. */
interface Unit {
  /** Lengths, in registers, of replies that it owes or sent unasked. */
  readonly owed: Set<number>;
  /** Its last answer with registers: what it can certainly be asked for. */
  answered?: ReadRequest;
  /** Its last answer of each length, and of an exception (length 0): the place, and when that was, ms. */
  readonly recent: Map<number, { readonly place: string; readonly at: number }>;
  fencesFailed: number;
}

/** A request whose reply proves that older ones can no longer come. */
export interface Fence {
  readonly asked: ReadRequest;
  /** What counts as its reply: only registers, or an exception as well. */
  readonly expects: "registers" | "anything";
}

/** Who owes a reply on a line, and what could be taken for one. */
export interface UnitLedger {
  owes(reply: Pick<ReadRequest, "unit" | "count">): void;
  inDebt(unit: number): boolean;
  /** The fence before this request; its length is none that the unit owes. */
  fenceFor(request: ReadRequest): Fence;
  /** A fence was answered. */
  settled(unit: number): void;
  answered(request: ReadRequest, answer: Answer): void;
  /** Whether a second copy of a reply that came just now would pass for the reply to this request. */
  mayRepeat(request: ReadRequest): boolean;
}

/** @param recentMs how long a second copy of a reply may come */
export function unitLedger(recentMs: number): UnitLedger {
  const units = new Map<number, Unit>();
  const unitOf = (address: number): Unit => {
    const unit = units.get(address) ?? { owed: new Set(), recent: new Map(), fencesFailed: 0 };
    units.set(address, unit);
    return unit;
  };
  return {
    owes({ unit, count }) {
      const { owed } = unitOf(unit);
      if (owed.size >= MAX_OWED) owed.clear();
      owed.add(count);
    },
    inDebt: (address) => unitOf(address).owed.size > 0,
    fenceFor(request) {
      const unit = unitOf(request.unit);
      const canary = unit.fencesFailed < MAX_CANARY_FAILURES ? unit.answered : undefined;
      unit.fencesFailed += 1;
      return fenceOf(request, unit.owed, canary);
    },
    settled: (address) => void paid(unitOf(address)),
    answered(request, { kind }) {
      const unit = paid(unitOf(request.unit));
      if (kind === "words") unit.answered = request;
      const length = kind === "words" ? request.count : 0;
      unit.recent.set(length, { place: placeOf(request), at: performance.now() });
    },
    mayRepeat(request) {
      const { recent } = unitOf(request.unit);
      const since = performance.now() - recentMs;
      const place = placeOf(request);
      return [recent.get(0), recent.get(request.count)].some(
        (answer) => answer && answer.at > since && answer.place !== place,
      );
    },
  };
}

function paid(unit: Unit): Unit {
  unit.fencesFailed = 0;
  unit.owed.clear();
  return unit;
}

const placeOf = ({ table, at }: ReadRequest): string => `${table} ${at}`;

function fenceOf(request: ReadRequest, owed: ReadonlySet<number>, canary?: ReadRequest): Fence {
  const free = Array.from({ length: MAX_OWED + 2 }, (_, index) => index + 1);
  const count = free.find((candidate) => !owed.has(candidate) && candidate !== request.count) ?? 1;
  // All exceptions look alike, and this one may be an older request's; a register that exists gives none.
  return canary && count <= canary.count
    ? { asked: { ...canary, count }, expects: "registers" }
    : { asked: { ...request, count }, expects: "anything" };
}
