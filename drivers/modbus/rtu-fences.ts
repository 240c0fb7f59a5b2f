import type { ReadRequest } from "./pdu.ts";
import { keyOf } from "./rtu-frames.ts";
import type { Fence, Unit } from "./rtu-unit.ts";

/** A unit that gave no answer to so many fences in a row is no longer asked for what it used to have. */
const MAX_KNOWN_FAILURES = 3;
/** Lengths that are tried for a fence, in registers. */
const LENGTHS: readonly number[] = Array.from({ length: 10 }, (_, index) => index + 1);

const isFree = ({ asked }: Fence, request: ReadRequest, { owed, doubts }: Unit): boolean =>
  keyOf(asked) !== keyOf(request) && !owed.has(keyOf(asked)) && !doubts.has(keyOf(asked));

const isSure = ({ kind }: Fence, { refusesParts }: Unit): boolean => kind === "whole" || !refusesParts;

/** The fence beside this request; its shape is none that the unit owes, nor the request's. */
export function fenceOf(request: ReadRequest, unit: Unit): Fence {
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

/** Whether this unit has something to ask for beside the request, and will answer it. */
export const canCheck = (request: ReadRequest, unit: Unit): boolean =>
  knownFences(unit).some((fence) => isSure(fence, unit) && isFree(fence, request, unit));
