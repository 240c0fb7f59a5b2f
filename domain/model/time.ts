/**
 * Time as the house counts it: an `Instant` is milliseconds since 1970-01-01T00:00Z, a slot is a quarter hour
 * aligned to UTC (so a slot never straddles a change of summer time: every offset in use is a multiple of 15 min),
 * and a day is a civil day of the site's time zone, which may have 92, 96 or 100 slots.
 */
export type Instant = number & { readonly __instant: unique symbol };

/** A civil day of the site's time zone, written 2026-06-15. */
export type Day = string & { readonly __day: unique symbol };

export const SLOT_MS = 15 * 60_000;
export const HOUR_MS = 3_600_000;

export const instant = (ms: number): Instant => ms as Instant;
export const addMs = (time: Instant, ms: number): Instant => (time + ms) as Instant;
export const toIso = (time: Instant): string => new Date(time).toISOString();
export const slotStart = (time: Instant): Instant => (Math.floor(time / SLOT_MS) * SLOT_MS) as Instant;

/** A time source that is handed in; only `main.ts` files make one from the wall clock. */
export interface Clock {
  now(): Instant;
  /** False until the time may be believed (a Pi has no clock of its own): nothing is released before. */
  trusted(): boolean;
  /** Waits for `ms` of this clock's time; resolves early, without error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Seconds of this clock in one second of the world; 1 for a real village. */
  readonly speed: number;
}

/** Source of random bytes that is handed in, so that a run can be replayed from a seed. */
export type Entropy = (bytes: number) => Uint8Array;

const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(zone: string): Intl.DateTimeFormat {
  let found = formatters.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(zone, found);
  }
  return found;
}

function wallClock(time: Instant, zone: string): Record<string, string> {
  return Object.fromEntries(
    formatter(zone)
      .formatToParts(time)
      .map((part) => [part.type, part.value]),
  );
}

/** The civil day that holds `time` in `zone` (an IANA name). */
export function dayOf(time: Instant, zone: string): Day {
  const w = wallClock(time, zone);
  return `${w.year}-${w.month}-${w.day}` as Day;
}

/** "07:45" in the site's zone. */
export function localTime(time: Instant, zone: string): string {
  const w = wallClock(time, zone);
  return `${w.hour}:${w.minute}`;
}

function offsetMs(time: Instant, zone: string): number {
  const w = wallClock(time, zone);
  const [year, month, day] = [Number(w.year), Number(w.month), Number(w.day)];
  const asUtc = Date.UTC(year, month - 1, day, Number(w.hour), Number(w.minute), Number(w.second));
  return asUtc - Math.floor(time / 1000) * 1000;
}

/** The instant of "2026-06-15T07:45:30" on the clocks of `zone`; undefined where the text is no such time. */
export function fromLocal(text: string, zone: string): Instant | undefined {
  const asUtc = Date.parse(`${text}Z`);
  if (!Number.isFinite(asUtc)) return undefined;
  const guess = instant(asUtc - offsetMs(instant(asUtc), zone));
  return instant(asUtc - offsetMs(guess, zone));
}

/** `fromLocal` the other way round. */
export function toLocal(time: Instant, zone: string): string {
  const w = wallClock(time, zone);
  return `${w.year}-${w.month}-${w.day}T${w.hour}:${w.minute}:${w.second}`;
}

/** The first instant of a civil day; where midnight does not exist, the first instant that does. */
export function dayStart(day: Day, zone: string): Instant {
  const midnightUtc = Date.parse(`${day}T00:00:00Z`);
  let guess = instant(midnightUtc - offsetMs(instant(midnightUtc), zone));
  guess = instant(midnightUtc - offsetMs(guess, zone));
  while (dayOf(guess, zone) < day) guess = addMs(guess, SLOT_MS);
  return guess;
}

export function nextDay(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10) as Day;
}

export function previousDay(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10) as Day;
}

/** First instant of `day` and of the day after: [start, end). Their difference is 23, 24 or 25 hours. */
export function dayBounds(day: Day, zone: string): { start: Instant; end: Instant } {
  return { start: dayStart(day, zone), end: dayStart(nextDay(day), zone) };
}

/** 1 to 366, for the astronomy of FAO-56 (annex 2, table 2.5). */
export function dayOfYear(day: Day): number {
  return (
    Math.round(
      (Date.parse(`${day}T00:00:00Z`) - Date.parse(`${day.slice(0, 4)}-01-01T00:00:00Z`)) / 86_400_000,
    ) + 1
  );
}
