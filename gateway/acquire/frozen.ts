import type { Instant, Reading, StreamId } from "../../domain/model/index.ts";

/**
 * A counter that stands still while power flows is frozen: the register is not served any more, or a logger repeats
 * the last thing that it heard (lumapu/ahoy#1785).
 *
 * The rule: when the device's own power since any of its counters last moved makes more energy than the coarsest
 * counter's step (1 kWh) twice over, its counters are stale. Where in that time no value of it moved at all, its other
 * values are stale too. The first counter that moves ends it. A device without both total power and a total counter
 * is never called frozen: soil may well stay as it is.
 */
const FROZEN_AFTER_WH = 2_000;
/** What happened in a longer gap is not known. */
const LONGEST_STEP_MS = 15 * 60_000;
const MS_WH = 3_600_000;

const COUNTERS: ReadonlySet<string> = new Set(["activeEnergyImport", "activeEnergyExport"]);
const POWER = "activePower";

/** The last value of a stream. */
interface Seen {
  readonly what: "counter" | "power" | "other";
  value: number;
}

interface Watched {
  readonly streams: Map<StreamId, Seen>;
  hasCounter: boolean;
  power?: { readonly watts: number; readonly time: Instant };
  /** Energy by power since a counter moved. */
  wh: number;
  /** Whether anything but a counter moved in that time. */
  alive: boolean;
}

/** Marks the readings of frozen devices. One for the whole acquisition; readings of one device come in order. */
export function frozenWatch(): (readings: readonly Reading[]) => readonly Reading[] {
  const devices = new Map<string, Watched>();
  return (readings) => {
    const [first] = readings;
    const device = first?.stream.slice(0, first.stream.indexOf("/")) ?? "";
    let watched = devices.get(device);
    if (!watched)
      devices.set(device, (watched = { streams: new Map(), hasCounter: false, wh: 0, alive: false }));
    const own = watched;
    for (const reading of readings) observe(own, reading);
    if (own.wh <= FROZEN_AFTER_WH) return readings;
    return readings.map((reading) =>
      reading.quality === "ok" && (!own.alive || COUNTERS.has(nameOf(reading)))
        ? { ...reading, quality: "stale" }
        : reading,
    );
  };
}

/** Quantity, and channel where there is one. */
const nameOf = ({ stream }: Reading): string => stream.slice(stream.indexOf("/") + 1);

function observe(watched: Watched, reading: Reading): void {
  const seen = watched.streams.get(reading.stream);
  const { what } = seen ?? first(watched, reading);
  const moved = seen !== undefined && seen.value !== reading.value;
  if (seen) seen.value = reading.value;
  if (what === "counter") {
    if (!moved) return;
    watched.wh = 0;
    watched.alive = false;
  } else if (moved) watched.alive = true;
  if (what === "power") addPower(watched, reading);
}

function first(watched: Watched, reading: Reading): Seen {
  const name = nameOf(reading);
  const what = COUNTERS.has(name) ? "counter" : name === POWER ? "power" : "other";
  const seen: Seen = { what, value: reading.value };
  watched.streams.set(reading.stream, seen);
  watched.hasCounter ||= what === "counter";
  return seen;
}

function addPower(watched: Watched, { time, value }: Reading): void {
  const { power, hasCounter } = watched;
  if (power && power.time > time) return;
  const ms = power ? time - power.time : 0;
  if (power && hasCounter && ms <= LONGEST_STEP_MS) watched.wh += (Math.abs(power.watts) * ms) / MS_WH;
  watched.power = { watts: value, time };
}
