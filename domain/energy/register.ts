import { slotStart, type Instant, type StreamId } from "../model/index.ts";
import type { RegisterReading, RegisterTraits, Resolution } from "./continuity.ts";
import { LineEvents, registerLine, type LineEvent, type LineStart, type RegisterLine } from "./line.ts";
import { TimedValues } from "./timed-values.ts";

/** What the ledger knows of one register. */
export interface Continuity {
  readonly start?: LineStart;
  readonly resolutions?: ReadonlyMap<Instant, Resolution>;
}

/**
 * One register's readings until their quarter hours are closed: those that its line turns at. Of a quarter hour in
 * which it just grows these are the first and the last ones, however often it is read.
 */
export class Register {
  readonly stream: StreamId;
  private readonly traits: RegisterTraits;
  private continuity: Continuity;
  private readings = new TimedValues();
  private drawn: RegisterLine | undefined;
  /** Absent after a reading came out of order. */
  private walked: LineEvents | undefined;

  constructor(stream: StreamId, traits: RegisterTraits, continuity: Continuity) {
    this.stream = stream;
    this.traits = traits;
    this.continuity = continuity;
    this.walked = new LineEvents({ traits, ...continuity });
  }

  observe(time: Instant, register: number): void {
    const at = this.readings.insert(time, register);
    if (at === undefined) return;
    this.drawn = undefined;
    if (at < this.readings.length - 1) this.walked = undefined;
    else if (this.walked) this.goOn(this.walked, { time, register });
  }

  /** Undefined where there is none. */
  lastTime(): Instant | undefined {
    return this.readings.lastTime();
  }

  firstTime(): Instant | undefined {
    return this.readings.length === 0 ? undefined : this.readings.timeAt(0);
  }

  get line(): RegisterLine {
    return (this.drawn ??= registerLine(this.list(), { traits: this.traits, ...this.continuity }));
  }

  /** Lets go of the line; the next look draws it anew. */
  rest(): void {
    this.drawn = undefined;
  }

  events(): readonly LineEvent[] {
    return (this.walked ?? this.walkAnew()).found();
  }

  /**
   * What is cut off the front of a line is remembered as how the register stood there. The cut lies at a point that is
   * what the meter said, so that the line from there on has the same differences.
   *
   * @param time on a quarter hour
   */
  forgetBefore(time: Instant): void {
    const { points, doubtfulFrom } = this.line;
    // The newest reading may still turn out to be a wrong value that stands alone: the line begins before it.
    const first = points.slice(0, -1).findLast((point) => point.time <= time && !point.raised);
    // A line of objects is drawn for one look at it; the columns stay.
    this.drawn = undefined;
    if (!first || first === points[0]) return;
    this.readings.forgetBefore(first.time);
    const doubtful = doubtfulFrom !== undefined && doubtfulFrom <= first.time;
    this.continuity = { ...this.continuity, start: { factor: first.factor, doubtful } };
    this.walkAnew();
  }

  private list(): RegisterReading[] {
    return this.readings.list((time, register) => ({ time, register }));
  }

  private walkAnew(): LineEvents {
    const all = this.list();
    const events = (this.walked = new LineEvents({ traits: this.traits, ...this.continuity }));
    this.readings = new TimedValues();
    for (const reading of all) {
      this.readings.insert(reading.time, reading.register);
      this.goOn(events, reading);
    }
    return events;
  }

  /** Takes the newest reading into account, and lets go of one before it that nothing hangs on. */
  private goOn(events: LineEvents, newest: RegisterReading): void {
    events.add(newest);
    const at = this.readings.length - 3;
    if (at < 1) return;
    const [from, to] = [this.readingAt(at - 1), this.readingAt(at + 1)];
    if (slotStart(from.time) === slotStart(to.time) && events.isStraight(from, to)) this.readings.drop(at);
  }

  private readingAt(at: number): RegisterReading {
    return { time: this.readings.timeAt(at), register: this.readings.valueAt(at) };
  }
}
