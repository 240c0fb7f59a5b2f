import type { DeviceId, Reading, StreamId } from "../../domain/model/index.ts";

/** The newest durable reading of every stream, and whoever wants to hear of new ones. */
export interface Live {
  latest(device: DeviceId): readonly Reading[];
  /** Calls back after each commit; the returned function ends it. */
  onReading(listener: (reading: Reading) => void): () => void;
}

/** Listeners at once: one a page that is open. */
const LISTENERS_MAX = 1_000;

export interface LiveReadings extends Live {
  update(readings: readonly Reading[]): void;
  /** After the clock was moved: what is known lies on another line. */
  forget(): void;
}

export function createLive(): LiveReadings {
  const byDevice = new Map<string, Map<StreamId, Reading>>();
  const listeners = new Set<(reading: Reading) => void>();
  return {
    latest: (device) => [...(byDevice.get(device)?.values() ?? [])],
    onReading(listener) {
      if (listeners.size < LISTENERS_MAX) listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    forget: () => byDevice.clear(),
    update(readings) {
      let before = "";
      let streams: Map<StreamId, Reading> | undefined;
      for (const reading of readings) {
        // Most come together with others of their device.
        if (!streams || !reading.stream.startsWith(before)) {
          const device = reading.stream.slice(0, reading.stream.indexOf("/"));
          before = `${device}/`;
          streams = byDevice.get(device) ?? new Map<StreamId, Reading>();
          byDevice.set(device, streams);
        }
        const known = streams.get(reading.stream);
        // A backlog does not turn the present back.
        if (known && known.time > reading.time) continue;
        streams.set(reading.stream, reading);
        for (const listener of listeners) listener(reading);
      }
    },
  };
}
