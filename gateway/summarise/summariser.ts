import type { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import {
  addMs,
  instant,
  SLOT_MS,
  slotStart,
  type Clock,
  type Instant,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";
import { progressOf, readingsSince } from "../record/progress.ts";
import type { Site } from "../site/load.ts";
import type { SummaryPass } from "./commands.ts";
import { closedFarmDays } from "./farm-days.ts";
import { memberMeters, type MemberMeters } from "./meters.ts";

/**
 * From readings to summaries: quarter hours of energy for each member, civil days for each farm.
 *
 * Slots are taken in order for the whole site. A slot is closed when every register of it has been read beyond its
 * end, or when `GRACE_MS` have passed since: what is not known by then stays unknown. How far this has come is kept
 * with the summaries in one transaction, so that a restart goes on where it was.
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
  /** Closes what can be closed now. @returns true when more is waiting to be closed at once */
  pass(): Promise<boolean>;
}

/** Where a summariser begins, if not at the present. */
export interface Beginning {
  /** When this gateway began to listen: readings from then on may arrive later, when they were dated. */
  readonly started: Instant;
  /** Where the clock was moved forwards: nothing is drawn from before it to after it. */
  readonly leap: Instant | undefined;
}

export function createSummariser(
  site: Site,
  store: RecordStore,
  clock: Clock,
  { started, leap }: Beginning = { started: clock.now(), leap: undefined },
): Summariser {
  const meters = site.members.map((member) => memberMeters(member.id, site.devices));
  const graceMs = Math.max(GRACE_MS, LEAST_REAL_GRACE_MS * clock.speed);
  /** When something old last arrived: while a logger hands over its backlog, its days stay open. */
  let lastLate = started;
  let closedThrough = progressOf(store.read, "energy");
  restore(store.read, meters, closedThrough, leap);

  const observe = (readings: readonly Reading[]): void => {
    for (const reading of readings) {
      if (reading.time < clock.now() - LATE_MS) lastLate = clock.now();
      for (const member of meters) member.observe(reading);
    }
  };

  async function pass(): Promise<boolean> {
    // Before the first slot of its life a gateway has no register to count from.
    closedThrough ??= slotStart(started);
    const found = {
      boundaries: [],
      intervals: [],
      summaries: [],
      progress: {},
    } as unknown as Writable<SummaryPass>;
    const from = closedThrough;
    let to = from;
    const mayClose = (slot: Instant) => clock.now() >= Math.max(addMs(slot, SLOT_MS), started) + graceMs;
    while (addMs(to, SLOT_MS) <= clock.now() && to - from < SLOTS_A_PASS * SLOT_MS) {
      if (!closeSlot(meters, to, { force: mayClose(to), found })) break;
      to = addMs(to, SLOT_MS);
    }
    const farms = closedFarmDays(site, store.read, {
      now: clock.now(),
      quietSince: lastLate,
      graceMs,
    });
    found.summaries.push(...farms.summaries);
    found.progress = { ...farms.progress, ...(to > from && { energy: to }) };
    if (Object.keys(found.progress).length === 0) return false;
    await store.run("saveSummaries", found);
    closedThrough = to;
    for (const member of meters) member.forgetBefore(to);
    return to - from === SLOTS_A_PASS * SLOT_MS;
  }

  return { observe, pass };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };

function closeSlot(
  meters: readonly MemberMeters[],
  slot: Instant,
  { force, found }: { force: boolean; found: Writable<SummaryPass> },
): boolean {
  const results = meters.map((member) => member.slot(slot));
  if (!force && results.some((result) => result.kind === "waiting")) return false;
  for (const result of results) {
    if (result.kind !== "known") continue;
    found.boundaries.push(...result.value.boundaries);
    found.intervals.push(...result.value.intervals);
    found.summaries.push({ key: String(slot), time: slot, summary: result.value.summary });
  }
  return true;
}

/** Readings that were kept before this start, and the boundaries that they had settled. */
function restore(
  db: DatabaseSync,
  meters: readonly MemberMeters[],
  closedThrough: Instant | undefined,
  leap: Instant | undefined = instant(0),
): void {
  if (closedThrough === undefined) return;
  const last = db.prepare(
    "SELECT stream, max(time) AS time, register, filled FROM boundary WHERE time <= ? GROUP BY stream",
  );
  for (const row of last.all(closedThrough)) {
    const boundary = {
      time: instant(Number(row.time)),
      register: Number(row.register),
      filled: row.filled === 1,
    };
    if (boundary.time < leap) continue;
    for (const member of meters) member.settle(String(row.stream) as StreamId, boundary);
  }
  for (const reading of readingsSince(db, instant(Math.max(closedThrough - SLOT_MS, leap))))
    for (const member of meters) member.observe(reading);
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
