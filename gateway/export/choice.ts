import { dayBounds, instant, type Day, type Instant, type StreamId } from "../../domain/model/index.ts";
import type { Readings } from "../record/readings.ts";
import type { Site } from "../site/load.ts";

/** Which readings an export holds. */

/** Every stream of the devices that the site file gives to this member. */
export const streamsOfMember = (
  readings: Readings,
  site: Pick<Site, "devices">,
  member: string,
): StreamId[] =>
  site.devices
    .filter((device) => device.member === member)
    .flatMap(({ id }) => readings.streamsOf(id))
    .toSorted();

/** From the first day's midnight to the end of the last, on the site's clocks; a range given backwards is the same one. */
export function daysToSpan(
  { first, last }: { readonly first: Day; readonly last: Day },
  timeZone: string,
): { from: Instant; to: Instant } {
  const [from = first, to = last] = [first, last].toSorted();
  return { from: dayBounds(from, timeZone).start, to: dayBounds(to, timeZone).end };
}

/** All that the record holds of these streams, also what bears a time to come. */
export function everything(
  readings: Readings,
  streams: readonly StreamId[],
  now: Instant,
): { from: Instant; to: Instant } {
  const wanted = new Set(streams);
  const later = readings.latest({ since: now }).filter(({ stream }) => wanted.has(stream));
  const last = Math.max(now, ...later.map(({ time }) => time));
  return { from: readings.firstTime(streams) ?? now, to: instant(last + 1) };
}
