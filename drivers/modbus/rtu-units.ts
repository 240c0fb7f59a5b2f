import type { CoilWrite, ReadRequest } from "./pdu.ts";
import { canCheck, fenceOf } from "./rtu-fences.ts";
import { keyOf, type HeardReply, type Said } from "./rtu-frames.ts";
import { believe, copiesMs, copiesOf, hear, newUnit, owe, prove, type Fence, type Unit } from "./rtu-unit.ts";

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
  /** Writes of this coil to this state that were sent and may still be answered. */
  owedWrites(coil: CoilWrite): number;
  /** A write leaves. */
  writes(coil: CoilWrite): void;
  /** It was answered; nothing older is owed by its unit. */
  wrote(coil: CoilWrite): void;
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
    fenced: (fence, said) => prove(unitOf(fence.asked.unit), fence, said),
    answered: (request, said) => believe(unitOf(request.unit), request, said),
    heard: (replies) => replies.forEach((reply) => hear(unitOf(reply.unit), reply)),
    copiesMs(request, isFence) {
      const unit = unitOf(request.unit);
      if (!isFence && copiesOf(request, unit) === "own") return 0;
      return copiesMs(request, unit);
    },
    canCheck(request) {
      const unit = unitOf(request.unit);
      return unit.checks > 0 && canCheck(request, unit);
    },
    isContradicted: (address) => unitOf(address).isContradicted,
    owedWrites: (coil) => unitOf(coil.unit).writes.get(coilKey(coil)) ?? 0,
    writes({ unit: address, ...coil }) {
      const { writes } = unitOf(address);
      writes.set(coilKey(coil), (writes.get(coilKey(coil)) ?? 0) + 1);
    },
    wrote: ({ unit }) => unitOf(unit).writes.clear(),
  };
}

const coilKey = ({ at, on }: Pick<CoilWrite, "at" | "on">): string => `${at} ${on}`;
