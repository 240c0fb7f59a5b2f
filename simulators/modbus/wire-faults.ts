import { random } from "../village/random.ts";

/**
 * What can go wrong on a Modbus wire, as data. Each rule says what happens, and at which requests; several rules at
 * one request add up (a late reply can also be cut). The same seed and the same requests give the same faults.
 */
export const FAULT_KINDS = [
  "late",
  "slow",
  "dropped",
  "dead",
  "duplicated",
  "truncated",
  "foreign",
  "flipped",
  "exception",
  "reset",
  "halfOpen",
  "unplugged",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultRule {
  readonly kind: FaultKind;
  /** How likely it is at a request that it may strike, above 0 and up to 1; 1 where absent. */
  readonly chance?: number;
  /** It strikes after this many requests of the unit; 0 where absent. */
  readonly after?: number;
  /** It strikes at every so manieth request from there; each where absent. */
  readonly every?: number;
  /** It strikes at most this many times; without end where absent. */
  readonly times?: number;
  /** `late` and `slow`: added to the reply, ms. `unplugged`: how long the line is away, ms. 1500 where absent. */
  readonly ms?: number;
  /** `exception`: its code; 4 ("server device failure") where absent. */
  readonly code?: number;
}

/** What the line as a whole does instead of carrying the reply. */
export type LineFault =
  | { readonly kind: "reset" }
  | { readonly kind: "halfOpen" }
  | { readonly kind: "unplugged"; readonly ms: number };

/** What all rules together make of one reply. */
export interface ReplyFault {
  readonly delayMs: number;
  /** 0: no reply. 2: twice. */
  readonly copies: number;
  readonly exception?: number;
  readonly line?: LineFault;
  /** The reply names another unit (RTU) or another transaction (TCP). */
  readonly foreign: boolean;
  /** The request was not heard, either: nothing is done. */
  readonly deaf?: boolean;
  /** Damages a whole frame; only its first `span` bytes are flipped. */
  damage(frame: Uint8Array, span: number): Uint8Array;
}

export interface UnitFaults {
  /** The faults of the unit's next request. */
  next(): ReplyFault;
}

const DEFAULT_MS = 1_500;
const SERVER_DEVICE_FAILURE = 4;

/** @param concern names the unit, so that each has dice of its own */
export function openUnitFaults(rules: readonly FaultRule[], seed: number, concern: string): UnitFaults {
  const dice = random(seed, `wire/${concern}`);
  const struck = rules.map(() => 0);
  let requests = 0;
  const strikes = ({ chance = 1, after = 0, every = 1, times = Infinity }: FaultRule, index: number) => {
    const count = requests - after;
    const lucky = dice.uniform() < chance;
    const hit = lucky && count > 0 && count % every === 0 && (struck[index] ?? 0) < times;
    if (hit) struck[index] = (struck[index] ?? 0) + 1;
    return hit;
  };
  return {
    next() {
      requests += 1;
      return replyFault(rules.filter(strikes), dice.uniform);
    },
  };
}

function replyFault(rules: readonly FaultRule[], uniform: () => number): ReplyFault {
  const has = (...kinds: FaultKind[]): boolean => rules.some(({ kind }) => kinds.includes(kind));
  const exception = rules.find(({ kind }) => kind === "exception");
  const line = rules.map(lineFault).find((fault) => fault !== undefined);
  return {
    delayMs: rules.reduce(
      (sum, { kind, ms = DEFAULT_MS }) => sum + (kind === "late" || kind === "slow" ? ms : 0),
      0,
    ),
    copies: has("dropped", "dead") ? 0 : has("duplicated") ? 2 : 1,
    ...(exception && { exception: exception.code ?? SERVER_DEVICE_FAILURE }),
    ...(line && { line }),
    foreign: has("foreign"),
    deaf: has("dead"),
    damage(frame, span) {
      const whole = has("flipped") ? flipped(frame, Math.min(span, frame.length), uniform) : frame;
      return has("truncated") ? whole.subarray(0, 1 + Math.floor(uniform() * (whole.length - 1))) : whole;
    },
  };
}

function lineFault({ kind, ms = DEFAULT_MS }: FaultRule): LineFault | undefined {
  if (kind === "reset") return { kind };
  if (kind === "halfOpen") return { kind };
  return kind === "unplugged" ? { kind, ms } : undefined;
}

/** One bit of one byte: no CRC-16 misses that. */
export function flipped(frame: Uint8Array, span: number, uniform: () => number): Uint8Array {
  const damaged = Uint8Array.from(frame);
  const at = Math.floor(uniform() * span);
  damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(uniform() * 8));
  return damaged;
}
