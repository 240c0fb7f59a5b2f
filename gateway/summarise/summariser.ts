import { setTimeout as wait } from "node:timers/promises";
import {
  addMs,
  instant,
  isUsable,
  SLOT_MS,
  slotStart,
  type Clock,
  type Instant,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";
import { progressOf } from "../record/progress.ts";
import type { Site } from "../site/load.ts";
import type { SummaryPass } from "./commands.ts";
import { closedFarmDays, isFarm } from "./farm-days.ts";
import { continuityOf } from "./ledger.ts";
import { lateWatch, type LateWatch } from "./late.ts";
import { isMeter, memberSummary, openMeter, slotOfAll, type Meter } from "./meters.ts";
import { LOOK_BACK_MS, lookAgain, reopenings } from "./reopen.ts";
import { believedBefore, energyStreamsOf, type Source } from "./source.ts";
import { siteTraits, type TraitsOf } from "./traits.ts";

/**
 * From readings to summaries: quarter hours of energy for each device and member, civil days for each farm.
 *
 * Slots are taken in order for the whole site. A slot is closed when every register of it has been read beyond its
 * end, or when `GRACE_MS` have passed since: what is not known by then stays unknown, until late data or an operator
 * opens it again (reopen.ts). How far this has come is kept with the summaries in one transaction, so that a restart
 * goes on where it was.
 */
export const GRACE_MS = 10 * 60_000;
/** A village whose clock runs fast still has wires of this world: the grace is never shorter than this in real time. */
const LEAST_REAL_GRACE_MS = 10_000;

/** A reading that is this old when it arrives comes from a backlog. */
const LATE_MS = 60 * 60_000;

/** Slots closed in one transaction: a gateway that was away for weeks catches up in pieces. */
const SLOTS_A_PASS = 96;

export interface Summariser {
  observe(readings: readonly Reading[]): void;
  /** Closes what can be closed now, and looks again at what was touched. @returns true when more is waiting */
  pass(): Promise<boolean>;
}

/** Where a summariser begins, if not at the present. */
export interface Beginning {
  /** When this gateway began to listen: readings from then on may arrive later, when they were dated. */
  readonly started: Instant;
  /** Where the clock was moved forwards: nothing is drawn from before it to after it. */
  readonly leap: Instant | undefined;
}

interface Work {
  readonly site: Site;
  readonly store: RecordStore;
  readonly source: Source;
  readonly clock: Clock;
  readonly traits: TraitsOf;
  readonly started: Instant;
  readonly leap: Instant | undefined;
  readonly graceMs: number;
  readonly meters: Map<string, Meter>;
  readonly late: LateWatch;
  readonly lateFarms: Map<string, Instant>;
  closedThrough: Instant | undefined;
  /** When something old last arrived: while a logger hands over its backlog, its days stay open. */
  lastLate: Instant;
}

/** @param traits what is known of the registers; the site file alone where absent */
export function createSummariser(
  site: Site,
  store: RecordStore,
  clock: Clock,
  { started, leap }: Beginning = { started: clock.now(), leap: undefined },
  traits: TraitsOf = siteTraits,
): Summariser {
  const work: Work = {
    ...{ site, store, clock, traits, started, leap },
    source: store.readings,
    graceMs: Math.max(GRACE_MS, LEAST_REAL_GRACE_MS * clock.speed),
    meters: new Map(),
    late: lateWatch(),
    lateFarms: new Map(),
    closedThrough: progressOf(store.read, "energy"),
    lastLate: started,
  };
  restore(work, site.devices.filter(isMeter));
  touchUnseen(work);
  return {
    observe(readings) {
      const now = work.clock.now();
      for (const reading of readings) observe(work, reading, now);
    },
    async pass() {
      // First what people said: what is closed next already counts with it.
      const looked = await lookAtTouched(work);
      const closed = await closeDue(work);
      return closed || looked;
    },
  };
}

const deviceOf = (stream: StreamId): string => stream.slice(0, stream.indexOf("/"));

/** A day that was closed before this reading came is looked at again. */
function touchFarm({ site, store, lateFarms }: Work, { stream, time }: Reading): void {
  const device = site.devices.find(({ id }) => id === deviceOf(stream));
  if (device?.member === undefined || !isFarm(device)) return;
  if (time < (progressOf(store.read, `farm ${device.member}`) ?? 0))
    lateFarms.set(device.member, instant(Math.min(time, lateFarms.get(device.member) ?? time)));
}

function observe(work: Work, reading: Reading, now: Instant): void {
  if (reading.time < now - LATE_MS) {
    work.lastLate = now;
    touchFarm(work, reading);
  }
  const meter = work.meters.get(deviceOf(reading.stream));
  if (!meter) return;
  const { closedThrough } = work;
  const before = meter.meter.lastHeard(reading.stream);
  meter.meter.observe(reading);
  if (closedThrough === undefined || !isUsable(reading.quality)) return;
  // What ends a silence that was closed as unknown tells of it, too.
  const ends = before !== undefined && before < closedThrough && reading.time >= closedThrough;
  if (reading.time < closedThrough || ends)
    work.late.touch(meter.device.id, { from: Math.min(reading.time, closedThrough - 1), to: reading.time });
}

async function closeDue(work: Work): Promise<boolean> {
  const { site, store, clock, started, graceMs } = work;
  // Before the first slot of its life a gateway has no register to count from.
  const from = (work.closedThrough ??= slotStart(started));
  const pass = { intervals: [], summaries: [], progress: {} } as unknown as Writable<SummaryPass>;
  let to = from;
  const mayClose = (slot: Instant) => clock.now() >= Math.max(addMs(slot, SLOT_MS), started) + graceMs;
  while (addMs(to, SLOT_MS) <= clock.now() && to - from < SLOTS_A_PASS * SLOT_MS) {
    const more = addMs(to, 2 * SLOT_MS) <= clock.now();
    if (!closeSlot(work, to, { force: mayClose(to), more, pass })) break;
    to = addMs(to, SLOT_MS);
  }
  const farms = closedFarmDays(site, work.source, store.read, {
    now: clock.now(),
    quietSince: work.lastLate,
    graceMs,
    late: work.lateFarms,
  });
  pass.summaries.push(...farms.summaries);
  const found = [...work.meters.values()].flatMap(({ meter }) => [...meter.events()]);
  const events = work.late.newEvents(found);
  const seen = { [SEEN_FRAME]: store.stats().frames.last };
  const progress = { ...farms.progress, ...(to > from && { energy: to, ...seen }) };
  if (Object.keys(progress).length === 0 && events.length === 0) return false;
  await store.run("saveSummaries", {
    ...pass,
    progress,
    events: { now: clock.now(), found: events, looked: [] },
  });
  work.closedThrough = to;
  for (const { meter } of work.meters.values()) meter.forgetBefore(to);
  return to - from === SLOTS_A_PASS * SLOT_MS;
}

/** The journal's frame up to which every commit was looked at, as of the last closed slot. */
const SEEN_FRAME = "energy frame";
/** Readings taken from the feed at a time. */
const FEED_READINGS = 5_000;

/**
 * A late reading is durable before anybody notes that its slot is to be looked at again. What was committed since the
 * last pass of the run before is therefore looked through once more; to look at a slot twice changes nothing.
 */
function touchUnseen(work: Work): void {
  const { store, closedThrough, meters, late } = work;
  const frame = progressOf(store.read, SEEN_FRAME);
  if (frame === undefined || closedThrough === undefined) return;
  for (let cursor = String(frame); ;) {
    const { readings, cursor: next } = store.feed.after(cursor, FEED_READINGS);
    if (next === cursor) return;
    cursor = next;
    for (const reading of readings) {
      const { stream, time, quality } = reading;
      const device = deviceOf(stream);
      touchFarm(work, reading);
      if (isUsable(quality) && meters.has(device))
        late.touch(device, { from: Math.min(time, closedThrough - 1), to: time });
    }
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };

function closeSlot(
  { site, meters }: Work,
  start: Instant,
  { force, more, pass }: { force: boolean; more: boolean; pass: Writable<SummaryPass> },
): boolean {
  const found = slotOfAll([...meters.values()], { start, force, more, all: site.devices });
  if (!force && found.waiting.length > 0) return false;
  pass.intervals.push(...found.intervals);
  for (const { id } of site.members) {
    const summary = memberSummary(id, site.devices, { start, found });
    if (summary) pass.summaries.push({ key: String(start), time: start, summary });
  }
  return true;
}

/** Late data, once it has come to rest, and operators' decisions at once; one piece a pass. */
async function lookAtTouched(work: Work): Promise<boolean> {
  const { site, store, source, clock, traits, late, closedThrough } = work;
  const now = clock.now();
  const touched = late.take(now);
  if (touched.length > 0) await store.run("reopen", touched);
  const due = reopenings(store.read).filter((one) => late.isDue(one, now));
  const [next] = due;
  if (!next || closedThrough === undefined) return false;
  const context = { site, source, db: store.read, traits, now, closedThrough, leap: work.leap };
  const pass = lookAgain(context, next);
  await store.run("saveReopened", pass);
  const device = site.devices.find(({ id }) => id === next.device);
  // What was said of a register also counts from now on.
  if (device && isMeter(device)) restore(work, [device]);
  return due.length > 1 || pass.remaining !== undefined;
}

/** Opens meters with the readings that their open slots need, and what the ledger says of their registers. */
function restore(work: Work, devices: readonly Site["devices"][number][]): void {
  const { store, source, traits, closedThrough, meters } = work;
  if (closedThrough === undefined) {
    for (const device of devices)
      meters.set(device.id, openMeter(device, { traits, continuity: () => ({}) }));
    return;
  }
  const { leap = instant(0) } = work;
  const since = instant(Math.max(closedThrough - SLOT_MS, leap));
  const within = Math.min(LOOK_BACK_MS, since - leap);
  const now = addMs(work.clock.now(), 1);
  for (const device of devices) {
    const streams = energyStreamsOf(source, device.id);
    const before = streams.flatMap((stream) => believedBefore(source, stream, { time: since, within }) ?? []);
    const starts = new Map<StreamId, Instant>(before.map(({ stream, time }) => [stream, time]));
    const continuity = (stream: StreamId) =>
      continuityOf(store.read, { stream, from: starts.get(stream) ?? since });
    const meter = openMeter(device, { traits, continuity });
    for (const reading of before) meter.meter.observe(reading);
    for (const stream of streams)
      for (const reading of source.between(stream, { from: since, to: now })) meter.meter.observe(reading);
    meters.set(device.id, meter);
  }
}

/** Closes slots and days as they become due, until the signal aborts. */
export async function keepSummarising(
  summariser: Summariser,
  options: { clock: Clock; signal: AbortSignal; onPass(): Promise<void>; onFault(error: unknown): void },
): Promise<void> {
  const { clock, signal, onPass, onFault } = options;
  while (!signal.aborted) {
    try {
      const more = await summariser.pass();
      await onPass();
      if (more) continue;
    } catch (error) {
      onFault(error);
      // A failed commit is tried again, but never in a tight loop; real time, because the disk lives in it.
      await wait(1_000, undefined, { signal }).catch(() => undefined);
    }
    await clock.sleep(15_000, signal);
  }
}
