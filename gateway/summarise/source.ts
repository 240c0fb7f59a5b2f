import {
  isUsable,
  type Instant,
  type Quantity,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import type { Readings } from "../record/readings.ts";

/** What the summaries are made from. */
export type Source = Pick<Readings, "between" | "lastBefore" | "firstTime" | "streamsOf">;

const COUNTERS: readonly Quantity[] = ["activeEnergyImport", "activeEnergyExport"];

/** The registers of a device that have readings. */
export const countersOf = (source: Pick<Source, "streamsOf">, device: string): StreamId[] =>
  source.streamsOf(device).filter((stream) => COUNTERS.some((one) => stream.split("/")[1] === one));

/** The streams of a device that its energy is drawn from; a meter says much else each time it is read. */
export const energyStreamsOf = (source: Pick<Source, "streamsOf">, device: string): StreamId[] =>
  source.streamsOf(device).filter((stream) => {
    const [, quantity] = stream.split("/");
    return quantity === "activePower" || COUNTERS.some((one) => quantity === one);
  });

/** The streams under which a device's quarter hours may stand: its registers, and what is integrated from power. */
export const intervalStreams = (source: Pick<Source, "streamsOf">, device: string): StreamId[] => [
  ...new Set([...COUNTERS.map((one) => `${device}/${one}` as StreamId), ...countersOf(source, device)]),
];

/** Unbelieved values that are stepped over before a stretch of a stream counts as silent. */
const DOUBTED_MAX = 200;
/** Widening looks ahead: most gaps are short, and a long one need not be read minute by minute. */
const AHEAD_MS = [3_600_000, 86_400_000, 8 * 86_400_000];

/** The last believed reading before `time`, not older than `within` ms. */
export function believedBefore(
  source: Source,
  stream: StreamId,
  { time, within }: { readonly time: Instant; readonly within: number },
): Reading | undefined {
  let before = time;
  for (let tries = 0; tries < DOUBTED_MAX; tries++) {
    const left = within - (time - before);
    const found = left > 0 ? source.lastBefore(stream, before, { within: left }) : undefined;
    if (!found || isUsable(found.quality)) return found;
    before = found.time;
  }
  return undefined;
}

/** The first believed reading at or after `time` and before `until`. */
export function believedAfter(
  source: Source,
  stream: StreamId,
  { time, until }: { readonly time: Instant; readonly until: Instant },
): Reading | undefined {
  let from = time;
  for (const ahead of [...AHEAD_MS, Infinity]) {
    const to = Math.min(until, time + ahead) as Instant;
    if (to <= from) return undefined;
    const found = source.between(stream, { from, to }).find(({ quality }) => isUsable(quality));
    if (found || to === until) return found;
    from = to;
  }
  return undefined;
}
