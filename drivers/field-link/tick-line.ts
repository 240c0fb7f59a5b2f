import { instant, type Instant } from "../../domain/model/index.ts";

/**
 * A node has no clock, only ticks since its start. A line turns the ticks of one start into time; it goes through a
 * pair (tick, time) that the gateway took, and a new one is begun when the node's quartz has run away from it.
 *
 * Lines are kept in the node's book before a sample is dated by them, and the one that dated a sample dates it again
 * when it comes again: so the record knows it by its time and ignores it.
 */
export interface TickLine {
  readonly boot: number;
  /** The first sample that it dates. */
  readonly from: number;
  readonly tick: number;
  readonly time: Instant;
  readonly msPerTick: number;
  /** The tick of the first pair of this start; what was sampled before is `estimated`. */
  readonly since: number;
  /** The node's clock is wrong by more than `RATE_MAX`, or was never compared in that start. */
  readonly doubtful?: true | undefined;
}

export interface TickPair {
  readonly boot: number;
  readonly tick: number;
  /** The middle of the exchange. */
  readonly time: Instant;
  /** Half the round trip, ms. */
  readonly uncertainty: number;
}

export const MS_PER_TICK = 10;
/** How far a line may be off before a new one is begun, besides what the pair itself leaves open. */
const OFF_MAX_MS = 200;
/** A ceramic resonator is within 0.5 %, a quartz within 0.01 %; over a short time, half a second is no matter. */
const RATE_MAX = 0.05;
const DOUBT_MIN_MS = 500;
/** Lines that are remembered, besides those of samples that still wait in the node. */
export const LINES_KEPT = 16;

/** From one tick to another, which may lie before it; ticks wrap at 2^32 (497 days). */
const between = (from: number, to: number): number => (to - from) | 0;

const timeBy = (line: TickLine, tick: number): number =>
  line.time + between(line.tick, tick) * line.msPerTick;

const newestOf = (lines: readonly TickLine[], boot: number): TickLine | undefined =>
  lines.findLast((line) => line.boot === boot);

/** The lines with what a pair says; the same ones where it says nothing new. `next` is the first sample not dated yet. */
export function withPair(lines: readonly TickLine[], pair: TickPair, next: number): readonly TickLine[] {
  const { boot, tick, time, uncertainty } = pair;
  const last = newestOf(lines, boot);
  if (!last) return [...lines, { boot, from: next, tick, time, msPerTick: MS_PER_TICK, since: tick }];
  if (Math.abs(time - timeBy(last, tick)) <= uncertainty + OFF_MAX_MS) return lines;
  const { since } = last;
  const [ticks, ms] = [between(last.tick, tick), time - last.time];
  // Through both pairs: what was sampled between them keeps its order. Where the time was set back there is no such line.
  const msPerTick = ticks > 0 && ms > 0 ? ms / ticks : MS_PER_TICK;
  const doubtful = Math.abs(ms - ticks * MS_PER_TICK) > Math.abs(ms) * RATE_MAX + DOUBT_MIN_MS;
  return [...lines, { boot, from: next, tick, time, msPerTick, since, ...(doubtful && { doubtful }) }];
}

/** Without lines that nothing needs any more. */
export const pruned = (lines: readonly TickLine[], waiting: ReadonlySet<number>): readonly TickLine[] =>
  lines.filter(({ boot }, index) => waiting.has(boot) || index >= lines.length - LINES_KEPT);

/**
 * A line for a start that was over before it was compared: its last sample is given the time at which the next known
 * start began, as if the power had come back at once. Undefined where no later start is known.
 */
export function forUnknownStart(
  lines: readonly TickLine[],
  last: { readonly boot: number; readonly tick: number },
): readonly TickLine[] | undefined {
  const next = lines
    .filter(({ boot }) => boot > last.boot)
    .reduce<TickLine | undefined>(
      (first, line) => (first && first.boot <= line.boot ? first : line),
      undefined,
    );
  if (!next) return undefined;
  const time = instant(Math.round(timeBy(next, 0)));
  const line: TickLine = { ...last, from: 0, time, msPerTick: MS_PER_TICK, since: last.tick, doubtful: true };
  return [line, ...lines];
}

/** When a sample was taken, and whether that is only an estimate. Undefined where its start is not known. */
export function dated(
  lines: readonly TickLine[],
  { sequence, boot, tick }: { readonly sequence: number; readonly boot: number; readonly tick: number },
): { readonly time: Instant; readonly estimated: boolean } | undefined {
  const line =
    lines.findLast((one) => one.boot === boot && one.from <= sequence) ??
    lines.find((one) => one.boot === boot);
  if (!line) return undefined;
  const estimated = line.doubtful === true || between(line.since, tick) < 0;
  return { time: instant(Math.round(timeBy(line, tick))), estimated };
}
