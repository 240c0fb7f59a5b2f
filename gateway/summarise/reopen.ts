import type { DatabaseSync } from "node:sqlite";
import { slotsBetween } from "../../domain/energy/intervals.ts";
import { addMs, instant, SLOT_MS, slotStart, type Instant, type StreamId } from "../../domain/model/index.ts";
import type { Site } from "../site/load.ts";
import type { SiteDevice } from "../site/schema.ts";
import type { Reopening, ReopenedPass } from "./commands.ts";
import { continuityOf } from "./ledger.ts";
import { isMeter, memberSummary, openMeter, slotOfAll, type Meter } from "./meters.ts";
import { believedAfter, believedBefore, countersOf, intervalStreams, type Source } from "./source.ts";
import type { TraitsOf } from "./traits.ts";

/**
 * Looking again at quarter hours that were closed: late data and operators' decisions. The stretch goes from the last
 * reading before what was touched to the first one after it, because so far reach the lines between readings. All of
 * a household's meters are read again for it, and whatever comes out otherwise than before becomes a new version.
 */
const DAY_MS = 86_400_000;
/** Late data older than this is kept and not counted: bills are made up monthly, and argued about for another month. */
export const LOOK_BACK_MS = 62 * DAY_MS;
/** Quarter hours of one household in one transaction; a longer stretch is taken in pieces. */
const SLOTS_A_PASS = 4 * 96;

export interface ReopenContext {
  readonly site: Site;
  readonly source: Source;
  readonly db: DatabaseSync;
  readonly traits: TraitsOf;
  readonly now: Instant;
  readonly closedThrough: Instant;
  /** Where the clock was moved forwards: nothing is drawn from before it to after it. */
  readonly leap: Instant | undefined;
}

interface Stretch {
  readonly from: Instant;
  readonly to: Instant;
}

/** The stretches that wait to be looked at again, oldest touch first. */
export function reopenings(db: DatabaseSync): Reopening[] {
  const rows = db.prepare('SELECT device, "from", "to", touched FROM reopened ORDER BY touched').all();
  return rows.map((row) => ({
    device: String(row.device),
    from: Number(row.from),
    to: Number(row.to),
    touched: Number(row.touched),
  }));
}

/** What the next piece of a stretch looks like now. */
export function lookAgain(context: ReopenContext, reopening: Reopening): ReopenedPass {
  const { site, now } = context;
  const device = site.devices.find(({ id }) => id === reopening.device);
  const nothing = { intervals: [], summaries: [], unknownIntervals: [], unknownSummaries: [] };
  const done = { ...nothing, now, device: reopening.device, events: { now, found: [], looked: [] } };
  if (!device || !isMeter(device)) return done;
  const whole = stretchOf(context, device, reopening);
  if (whole.to <= whole.from) return done;
  const to = instant(Math.min(whole.to, whole.from + SLOTS_A_PASS * SLOT_MS));
  const devices = site.devices.filter(
    (one) =>
      isMeter(one) && (one.id === device.id || (one.member !== undefined && one.member === device.member)),
  );
  const pass = compute(context, devices, { from: whole.from, to });
  return { ...done, ...pass, ...(to < whole.to && { remaining: to }) };
}

/** How far a look may go back and ahead: to one side of a leap of the clock only. */
function bounds({ leap = instant(0), now }: ReopenContext, from: number): Stretch {
  const before = from < leap;
  return {
    from: instant(Math.max(before ? 0 : leap, now - LOOK_BACK_MS)),
    to: before ? leap : addMs(now, 1),
  };
}

/** From the last reading before to the first one after, of every register; whole closed quarter hours. */
function stretchOf(context: ReopenContext, device: SiteDevice, { from, to }: Reopening): Stretch {
  const { source, closedThrough } = context;
  const reach = bounds(context, from);
  const registers = countersOf(source, device.id);
  const until = instant(Math.min(addMs(closedThrough, SLOT_MS), reach.to));
  const start = instant(Math.max(from, reach.from));
  const before = registers.map(
    (stream) => believedBefore(source, stream, { time: start, within: start - reach.from })?.time ?? start,
  );
  const after = registers.map(
    (stream) => believedAfter(source, stream, { time: instant(to + 1), until })?.time ?? to,
  );
  const last = slotStart(instant(Math.max(to, ...after)));
  return {
    from: slotStart(instant(Math.min(start, ...before))),
    to: instant(Math.min(addMs(last, SLOT_MS), closedThrough)),
  };
}

type Computed = Omit<ReopenedPass, "now" | "device" | "remaining">;

function compute(context: ReopenContext, devices: readonly SiteDevice[], stretch: Stretch): Computed {
  const { site, now } = context;
  const meters = devices.map((device) => loadMeter(context, device, stretch));
  const member = devices.find((one) => one.member !== undefined)?.member;
  const intervals: Computed["intervals"][number][] = [];
  const summaries: Computed["summaries"][number][] = [];
  const unknownSummaries: Computed["unknownSummaries"][number][] = [];
  for (const start of slotsBetween(stretch.from, stretch.to)) {
    const found = slotOfAll(meters, { start, force: true, all: site.devices, more: true });
    intervals.push(...found.intervals);
    if (member === undefined) continue;
    const summary = memberSummary(member, devices, { start, found });
    if (summary) summaries.push({ key: String(start), time: start, summary });
    else unknownSummaries.push({ member, key: String(start) });
  }
  const known = new Set(intervals.map(({ stream, interval }) => `${stream} ${interval.start}`));
  return {
    intervals,
    summaries,
    unknownSummaries,
    unknownIntervals: knownBefore(context, devices, stretch).filter(
      ({ stream, start }) => !known.has(`${stream} ${start}`),
    ),
    events: {
      now,
      found: meters.flatMap(({ meter }) => [...meter.events()]),
      looked: meters.flatMap(({ meter }) =>
        [...meter.spans()].map(([stream, span]) => ({ stream, ...span })),
      ),
    },
  };
}

/** A household's meter with everything that the stretch needs: a little more on either side, and the shape of gaps. */
function loadMeter(context: ReopenContext, device: SiteDevice, stretch: Stretch): Meter {
  const { source, traits, db } = context;
  const reach = bounds(context, stretch.from);
  // One quarter hour more, so that a step back by rounding is seen from where it began.
  const from = instant(Math.max(stretch.from - SLOT_MS, reach.from));
  const to = instant(Math.min(stretch.to + SLOT_MS, reach.to));
  const readings = countersOf(source, device.id).map((stream) => {
    const before = believedBefore(source, stream, { time: from, within: from - reach.from });
    const after = believedAfter(source, stream, { time: to, until: reach.to });
    return [...(before ? [before] : []), ...source.between(stream, { from, to }), ...(after ? [after] : [])];
  });
  const times = readings.flatMap((list) => [list[0]?.time ?? from, list.at(-1)?.time ?? to]);
  const power = source
    .streamsOf(device.id)
    .filter((stream) => stream === `${device.id}/activePower`)
    .map((stream) =>
      source.between(stream, {
        from: instant(Math.min(from, ...times)),
        to: addMs(instant(Math.max(to, ...times)), 1),
      }),
    );
  const starts = new Map(readings.flatMap((list) => (list[0] ? [[list[0].stream, list[0].time]] : [])));
  const meter = openMeter(device, {
    traits,
    continuity: (stream) => continuityOf(db, { stream, from: starts.get(stream) ?? from }),
  });
  for (const reading of [...readings, ...power].flat()) meter.meter.observe(reading);
  return meter;
}

function knownBefore(
  { db, source }: ReopenContext,
  devices: readonly SiteDevice[],
  { from, to }: Stretch,
): { readonly stream: StreamId; readonly start: number }[] {
  const find = db.prepare("SELECT start FROM interval WHERE stream = ? AND start >= ? AND start < ?");
  return devices
    .flatMap(({ id }) => intervalStreams(source, id))
    .flatMap((stream) => find.all(stream, from, to).map(({ start }) => ({ stream, start: Number(start) })));
}
