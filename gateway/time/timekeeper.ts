import {
  FieldwattError,
  instant,
  messageOf,
  toIso,
  type Clock,
  type Instant,
} from "../../domain/model/index.ts";
import { pause } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { openTurns } from "../../platform/turns.ts";
import type { RecordStore } from "../record/store.ts";
import type { ClockEvent, UndatedReading } from "./commands.ts";
import { anchorOfBoot, datableBoots, eventOf, lastLeap, newestEntry } from "./events.ts";
import { floorOf, type Trust } from "./evidence.ts";
import { lookAt, type HubTime } from "./look.ts";
import type { Machine } from "./machine.ts";
import {
  isSure,
  resumed,
  step,
  timeAt,
  unset,
  type Anchor,
  type ClockModel,
  type Correction,
  type Look,
  type Step,
} from "./model.ts";
import type { ClockOrder } from "./order.ts";
import { doneWithOrder, waitingOrder } from "./orders.ts";
import { anchorOf, dateAll, undatedCount, undatedKeeper } from "./undated.ts";
import type { ClockStatus, GatewayTime, ReadingTime, TimeListener } from "./time.ts";

export interface TimekeeperOptions {
  readonly machine: Machine;
  readonly store: RecordStore;
  readonly trust: Trust;
  /** Where a person's orders are laid. */
  readonly folder: string;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/** How often the machine's clock is looked at, ms of the world: while no time is known, and afterwards. */
const LOOK_UNSET_MS = 1_000;
const LOOK_MS = 5_000;

/**
 * The gateway's clock with everything around it: looks at the machine, keeps every change in the record, dates what
 * waited, takes what a person says. Before the first trust `now()` counts up from the newest entry of the record, so
 * that it is a lower bound and never has to go back.
 */
export class Timekeeper implements GatewayTime {
  readonly clock: Clock;
  readonly reading: ReadingTime;
  readonly exclusive = openTurns();
  corrections = 0;
  private readonly options: TimekeeperOptions;
  private readonly keeper: ReturnType<typeof undatedKeeper>;
  private readonly startedAt: number;
  private readonly newest: Instant;
  private readonly stop = new AbortController();
  private model: ClockModel;
  private last = 0;
  private undated: number;
  private hub: HubTime | undefined;
  private running: Promise<void> | undefined;
  private listener: TimeListener | undefined;

  constructor(options: TimekeeperOptions) {
    const { machine, store } = options;
    this.options = options;
    this.startedAt = machine.uptime();
    this.newest = newestEntry(store);
    this.undated = undatedCount(store.read);
    this.keeper = undatedKeeper(store, machine.boot);
    const anchor = anchorOfBoot(store.read, machine.boot, "newest");
    this.model = anchor
      ? resumed(anchor, anchor.source, { uptime: this.startedAt, wall: machine.wall() })
      : unset(this.startedAt, "the gateway has just started");
    this.clock = {
      now: () => this.now(),
      trusted: () => this.model.anchor !== undefined,
      speed: 1,
      sleep: (ms, signal) => pause(Math.max(0, ms), signal),
    };
    this.reading = {
      keepUndated: (readings, uptime) => this.keepUndated(readings, uptime),
      uptime: () => machine.uptime(),
      isSure: () => isSure(this.model, machine.uptime()),
    };
  }

  status(): ClockStatus {
    const { state, since, because, source } = this.model;
    const time = timeAt(this.model, since);
    return {
      state,
      because,
      undated: this.undated,
      machine: this.options.machine.wall(),
      ...(time !== undefined && { since: time }),
      ...(source && { source }),
    };
  }

  startedOn(): Instant {
    return timeAt(this.model, this.startedAt) ?? this.newest;
  }

  leap(): Instant | undefined {
    return lastLeap(this.options.store.read);
  }

  hear(sent: number): void {
    this.hub = { time: sent, uptime: this.options.machine.uptime() };
  }

  begin(listener: TimeListener): void {
    this.listener = listener;
    this.running ??= this.lookForEver();
  }

  /** One look at the machine, and all that follows from it. Faults of the record are logged; the next look tries again. */
  async look(): Promise<void> {
    try {
      await this.takeOrder();
      const { hub, newest, model } = this;
      await this.advance(await lookAt({ ...this.options, hub, newest, model }));
      if (this.undated > 0 && this.model.anchor) await this.exclusive(() => this.dateWaiting());
    } catch (error) {
      this.options.log.error(
        { because: messageOf(error) },
        "the clock's state waits: the record does not commit",
      );
    }
  }

  confirm(time: number): Promise<void> {
    const { boot, uptime } = this.options.machine;
    return this.obey({ kind: "set", boot, uptime: uptime(), time, earlier: false });
  }

  async obey(order: ClockOrder): Promise<void> {
    const { machine, store } = this.options;
    if (order.kind === "set") return this.set(order);
    if (order.kind === "discard") {
      await store.run("dropUndated", { boot: order.boot, through: Number.MAX_SAFE_INTEGER });
      this.undated = undatedCount(store.read);
      return;
    }
    if (order.boot === machine.boot && !this.model.anchor)
      throw new FieldwattError("CLOCK_REFUSED", "This boot is not over: set the time instead");
    const anchor = anchorOf(store.read, order.boot, instant(order.bootTime));
    await this.exclusive(() => this.date(order.boot, anchor));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
    await this.exclusive(() => Promise.resolve());
  }

  private now(): Instant {
    const { machine } = this.options;
    const uptime = machine.uptime();
    const time = timeAt(this.model, uptime) ?? Math.floor(this.newest + (uptime - this.startedAt));
    this.last = Math.max(this.last, time);
    return instant(this.last);
  }

  private async keepUndated(
    readings: readonly Omit<UndatedReading, "uptime">[],
    uptime: number,
  ): Promise<void> {
    const rows = readings.map((reading) => ({ ...reading, uptime }));
    await this.keeper.keep(rows);
    this.undated += rows.length;
  }

  private async lookForEver(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      await this.look();
      const ms = this.model.anchor ? LOOK_MS : LOOK_UNSET_MS;
      await pause(ms, signal);
    }
  }

  private async takeOrder(): Promise<void> {
    const { folder, log } = this.options;
    try {
      const order = await waitingOrder(folder);
      if (!order) return;
      await this.obey(order);
      log.info({ order }, "what a person said about the time was taken");
    } catch (error) {
      if (!(error instanceof FieldwattError) || error.code !== "CLOCK_REFUSED") throw error;
      log.warn({ because: error.message }, "what a person said about the time was refused");
    }
    await doneWithOrder(folder);
  }

  private async set({ boot, uptime: at, time, earlier }: ClockOrder & { kind: "set" }): Promise<void> {
    const { machine } = this.options;
    if (boot !== machine.boot)
      throw new FieldwattError("CLOCK_REFUSED", "It was said before the machine was started again");
    const uptime = machine.uptime();
    const now = instant(Math.floor(time + (uptime - at)));
    const floor = floorOf(this.newest);
    if (now < floor && !earlier)
      throw new FieldwattError("CLOCK_REFUSED", `The record has entries of ${toIso(floor)} and later`);
    await this.advance({ uptime, wall: machine.wall(), confirmed: { source: "operator", time: now } });
  }

  private async advance(look: Look): Promise<void> {
    const next = step(this.model, look);
    if (next.correction) return this.exclusive(() => this.move(next, next.correction as Correction));
    // Durable first: no reading is dated by a time that the record does not know.
    if (next.changed) await this.note(next.model, look.uptime);
    this.model = next.model;
  }

  /** New stamps are on the new line before the correction is queued behind the last ones of the old. */
  private async move({ model }: Step, { from, to, checked }: Correction): Promise<void> {
    const { store, log } = this.options;
    const before = this.model;
    this.model = model;
    this.last = 0;
    try {
      const event = { ...this.eventOf(model, model.since), corrected: to - from };
      if (to > from) await store.run("noteClock", event);
      else {
        const wrongSince = this.wrongSince(before, checked);
        const redated = await store.run("correctBackwards", { event, from: wrongSince, by: to - from });
        log.warn({ ...redated, from: toIso(wrongSince) }, "the clock was ahead; what it had dated was moved");
      }
      this.corrections++;
      this.listener?.onCorrected();
      log.warn({ because: model.because }, "the time was corrected");
    } catch (error) {
      this.model = before;
      throw error;
    }
  }

  /**
   * From where on the old line what was dated is wrong: since this boot began or a source last agreed, and never
   * among what the record held before this process.
   */
  private wrongSince(before: ClockModel, checked: Instant | undefined): Instant {
    return instant(Math.max(timeAt(before, 0) ?? 0, checked ?? 0, this.newest + 1));
  }

  private eventOf(model: ClockModel, uptime: number): ClockEvent {
    return eventOf(model, { boot: this.options.machine.boot, uptime: Math.round(uptime), or: this.now() });
  }

  private async note(model: ClockModel, uptime: number): Promise<void> {
    const { store, log } = this.options;
    await store.run("noteClock", this.eventOf(model, uptime));
    const level = model.state === "trusted" ? "info" : "warn";
    log[level]({ state: model.state, because: model.because }, "the clock");
  }

  /** Everything whose boot has a time by now, this one and those that were cut short. */
  private async dateWaiting(): Promise<void> {
    const { store } = this.options;
    await this.keeper.drained();
    for (const boot of datableBoots(store.read)) {
      const anchor = anchorOfBoot(store.read, boot, "first");
      if (anchor) await this.date(boot, anchor);
    }
  }

  private async date(boot: string, anchor: Anchor): Promise<void> {
    const { store, log } = this.options;
    const dated = await dateAll({
      store,
      boot,
      anchor,
      onDated: (readings) => this.listener?.onDated(readings),
    });
    this.undated = undatedCount(store.read);
    if (dated > 0) log.info({ readings: dated, boot }, "readings that waited for the time are dated");
  }
}
