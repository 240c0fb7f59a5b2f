import type { Instant } from "../model/index.ts";
import {
  countedThrough,
  discontinuity,
  effectOf,
  isSpike,
  type Discontinuity,
  type Effect,
  type RegisterReading,
  type RegisterTraits,
  type Resolution,
} from "./continuity.ts";

/**
 * A register as one line that only grows, whatever the counter did.
 *
 * Every point lies at the counter's value (divided by the factor in force) plus a whole number of Wh. The offset is
 * whole, so that cutting a boundary to whole Wh gives the same differences wherever one begins to read: a slot that is
 * computed again a week later from other neighbours has the same energy. An event that nobody has settled ends a
 * segment; no difference is taken from one segment to another.
 */
export interface LinePoint {
  readonly time: Instant;
  /** Wh along the line. */
  readonly register: number;
  readonly segment: number;
  /** The step from the point before stands on somebody's word, not on the register. */
  readonly stated: boolean;
  /** Values of the meter are so many times true here. */
  readonly factor: number;
  /** The meter said a little less than before, by rounding. */
  readonly raised?: true;
}

export interface LineEvent {
  readonly event: Discontinuity;
  /** Absent while it waits for an operator. */
  readonly effect?: Effect;
}

export interface RegisterLine {
  readonly points: readonly LinePoint[];
  readonly events: readonly LineEvent[];
  /** From here on the register counts in a unit that nobody has confirmed. */
  readonly doubtfulFrom?: Instant;
}

/** How the register stood before the first reading that is given. */
export interface LineStart {
  readonly factor: number;
  /** The factor waits for an operator. */
  readonly doubtful: boolean;
}

export interface LineOptions {
  readonly traits?: RegisterTraits;
  /** What operators said, by the time of the event's first reading after. */
  readonly resolutions?: ReadonlyMap<Instant, Resolution>;
  readonly start?: LineStart;
}

interface Walk {
  points: LinePoint[];
  events: LineEvent[];
  /** The last value that was believed, divided by the factor in force. */
  last: RegisterReading;
  offset: number;
  segment: number;
  factor: number;
  doubtfulFrom: Instant | undefined;
}

/** @param readings in time order */
export function registerLine(readings: readonly RegisterReading[], options: LineOptions = {}): RegisterLine {
  const [first] = readings;
  if (!first) return { points: [], events: [] };
  const walk = beginWalk(first, options);
  for (let i = 1; i < readings.length; i++)
    step(walk, readings[i] as RegisterReading, readings[i + 1], options);
  const { points, events, doubtfulFrom } = walk;
  return { points, events, ...(doubtfulFrom !== undefined && { doubtfulFrom }) };
}

function beginWalk(first: RegisterReading, { start = { factor: 1, doubtful: false } }: LineOptions): Walk {
  const last = { time: first.time, register: first.register / start.factor };
  return {
    points: [{ ...last, segment: 0, stated: false, factor: start.factor }],
    events: [],
    last,
    offset: 0,
    segment: 0,
    factor: start.factor,
    doubtfulFrom: start.doubtful ? first.time : undefined,
  };
}

/**
 * The events of a line that grows at its end, found without walking along it again: only how it stands there is held.
 * `registerLine` over the same readings finds the same.
 */
export class LineEvents {
  private readonly options: LineOptions;
  private walk: Walk | undefined;
  /** Not walked over yet: whether it is a wrong value that stands alone shows with the one after it. */
  private pending: RegisterReading | undefined;
  /** The latest readings in a row that the line just went on with. */
  private quiet = 0;

  constructor(options: LineOptions) {
    this.options = options;
  }

  /** @param reading later than all before it */
  add(reading: RegisterReading): void {
    if (!this.walk) {
      this.walk = beginWalk(reading, this.options);
      return;
    }
    if (this.pending) {
      const events = this.walk.events.length;
      step(this.walk, this.pending, reading, this.options);
      this.walk.points.splice(0, this.walk.points.length - 1);
      this.quiet = this.walk.events.length === events && !this.walk.points[0]?.raised ? this.quiet + 1 : 0;
    }
    this.pending = reading;
  }

  /**
   * Whether the line and its events are the same without what was read between two readings.
   *
   * @param to the last but one of all
   */
  isStraight(from: RegisterReading, to: RegisterReading): boolean {
    // The ones beside an event stay: they are its dates, or tell a wrong value from a new meter.
    if (!this.walk || this.quiet < 3) return false;
    const { factor } = this.walk;
    return discontinuity(scaled(from, factor), scaled(to, factor), this.options.traits) === undefined;
  }

  found(): readonly LineEvent[] {
    if (!this.walk || !this.pending) return this.walk?.events ?? [];
    const { points, events } = this.walk;
    const ahead: Walk = { ...this.walk, points: [...points], events: [...events] };
    step(ahead, this.pending, undefined, this.options);
    return ahead.events;
  }
}

function step(
  walk: Walk,
  raw: RegisterReading,
  after: RegisterReading | undefined,
  options: LineOptions,
): void {
  const reading = scaled(raw, walk.factor);
  const event = discontinuity(walk.last, reading, options.traits);
  if (!event) {
    push(walk, reading, false);
    return;
  }
  // A wrong value stands alone: the one after it goes on where the one before it was.
  const next = after && scaled(after, walk.factor);
  if (event.kind !== "rollover" && next && isSpike(walk.last, reading, next, options.traits)) {
    walk.events.push({
      event: { ...event, kind: "spike", proposed: 0 },
      effect: { wattHours: 0, factor: 1 },
    });
    return;
  }
  settle(walk, { event, raw: raw.register, resolution: options.resolutions?.get(reading.time) });
}

const scaled = ({ time, register }: RegisterReading, factor: number): RegisterReading =>
  factor === 1 ? { time, register } : { time, register: register / factor };

function push(walk: Walk, reading: RegisterReading, stated: boolean): void {
  const { segment, factor, offset } = walk;
  const last = walk.points.at(-1);
  const register = reading.register + offset;
  const point = { time: reading.time, register, segment, stated, factor };
  // Rounding firmware steps back by a Wh: the line waits for it.
  const raised = last?.segment === segment && register < last.register;
  walk.points.push(raised ? { ...point, register: last.register, raised } : point);
  walk.last = reading;
}

interface Found {
  readonly event: Discontinuity;
  /** The value after, as the meter told it. */
  readonly raw: number;
  readonly resolution: Resolution | undefined;
}

function settle(walk: Walk, { event: seen, raw, resolution }: Found): void {
  const said = resolution ?? (countedThrough(seen.kind) ? ({ kind: "asProposed" } as const) : undefined);
  // Another meter counts in its own unit, whatever the firmware of the old one did.
  const replaced = said?.kind === "registers" && walk.factor !== 1;
  const event = replaced ? { ...seen, after: { ...seen.after, register: raw } } : seen;
  const effect = said && effectOf(event, said);
  const sure = typeof effect === "object";
  walk.events.push(sure ? { event, effect } : { event });
  const factor = sure ? effect.factor : (event.factor ?? 1);
  const after = { time: event.after.time, register: event.after.register / factor };
  walk.factor = replaced ? 1 : walk.factor * factor;
  if (!sure) {
    walk.segment += 1;
    if (event.kind === "scale") walk.doubtfulFrom ??= event.after.time;
  }
  const before = walk.points.at(-1)?.register ?? 0;
  walk.offset = Math.floor(before) + (sure ? effect.wattHours : 0) - Math.floor(after.register);
  push(walk, after, sure && event.kind !== "rollover");
}

/**
 * How a register stands after the events of its ledger, in order: what a line needs that begins after them.
 *
 * @param events with what operators said; those that wait count as what they look like
 */
export function standingAfter(
  events: readonly { readonly event: Discontinuity; readonly resolution?: Resolution }[],
): LineStart {
  let start: LineStart = { factor: 1, doubtful: false };
  for (const { event, resolution } of events) {
    const effect = resolution && effectOf(event, resolution);
    const sure = typeof effect === "object";
    const factor = sure ? effect.factor : (event.factor ?? 1);
    start = {
      factor: resolution?.kind === "registers" ? 1 : start.factor * factor,
      doubtful: start.doubtful || (!sure && event.kind === "scale"),
    };
  }
  return start;
}
