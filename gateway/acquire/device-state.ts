import type { Instant, Quality, Reading } from "../../domain/model/index.ts";

export type Doubt = Exclude<Quality, "ok">;

/** How a device is doing, for the operator's page, the metrics and the log. */
export interface DeviceState {
  readonly id: string;
  /** `starting` until the first answer; `silent` when what it has is older than three intervals. */
  readonly state: "starting" | "ok" | "silent" | "backingOff";
  /**
   * The time of its newest reading. A device that repeats a stamp of its own brings no newer one, and turns silent.
   */
  readonly lastReading?: Instant;
  readonly failures: number;
  /** The last fault in words, until the device answers again. */
  readonly error?: string;
  /** What it says now and is not believed, by quantity (and channel): stale, implausible, … */
  readonly doubtful?: Readonly<Record<string, Doubt>>;
}

/** Missed intervals before a device counts as silent. */
const SILENT_INTERVALS = 3;

export interface DeviceStates {
  /** The device answered what it was asked; the readings, if any came of it, were told by `kept`. */
  answered(id: string): void;
  /** Readings of the device are durable. */
  kept(id: string, readings: readonly Reading[]): void;
  /** Returns how often in a row it has failed now. */
  failed(id: string, error: string): number;
  all(now: Instant): DeviceState[];
}

interface Entry {
  readonly id: string;
  readonly interval: number;
  failures: number;
  last: Instant | undefined;
  error: string | undefined;
  readonly doubtful: Map<string, Doubt>;
}

export function createDeviceStates(
  devices: readonly { readonly id: string; readonly interval: number }[],
): DeviceStates {
  const states = new Map(
    devices.map(({ id, interval }): [string, Entry] => [
      id,
      { id, interval, failures: 0, last: undefined, error: undefined, doubtful: new Map() },
    ]),
  );
  const well = (state: Entry | undefined): void => {
    if (!state) return;
    state.failures = 0;
    state.error = undefined;
  };
  return {
    answered: (id) => well(states.get(id)),
    kept(id, readings) {
      const state = states.get(id);
      if (!state || readings.length === 0) return;
      well(state);
      for (const { stream, time, quality } of readings) {
        if (state.last === undefined || time > state.last) state.last = time;
        // Mostly nothing is doubted, and thousands of readings a second need no name for that.
        if (quality === "ok" && state.doubtful.size === 0) continue;
        const name = stream.slice(stream.indexOf("/") + 1);
        if (quality === "ok") state.doubtful.delete(name);
        else state.doubtful.set(name, quality);
      }
    },
    failed(id, error) {
      const state = states.get(id);
      if (!state) return 0;
      state.error = error;
      return ++state.failures;
    },
    all: (now) => [...states.values()].map((entry) => told(entry, now)),
  };
}

const told = (entry: Entry, now: Instant): DeviceState => ({
  id: entry.id,
  state: stateOf(entry, now),
  failures: entry.failures,
  ...(entry.last !== undefined && { lastReading: entry.last }),
  ...(entry.error !== undefined && { error: entry.error }),
  ...(entry.doubtful.size > 0 && { doubtful: Object.fromEntries(entry.doubtful) }),
});

function stateOf({ failures, interval, last }: Entry, now: Instant): DeviceState["state"] {
  if (failures > 0) return "backingOff";
  if (last === undefined) return "starting";
  return now - last > SILENT_INTERVALS * interval ? "silent" : "ok";
}
