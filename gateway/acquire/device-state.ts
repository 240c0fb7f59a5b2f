import type { Instant } from "../../domain/model/index.ts";

/** How a device is doing, for the operator's page, the metrics and the log. */
export interface DeviceState {
  readonly id: string;
  /** `starting` until the first answer; `silent` when what it has is older than three intervals. */
  readonly state: "starting" | "ok" | "silent" | "backingOff";
  readonly lastReading?: Instant;
  readonly failures: number;
  /** The last fault in words, until the device answers again. */
  readonly error?: string;
}

/** Missed intervals before a device counts as silent. */
const SILENT_INTERVALS = 3;

export interface DeviceStates {
  answered(id: string, at: Instant): void;
  failed(id: string, error: string): number;
  all(now: Instant): DeviceState[];
}

export function createDeviceStates(
  devices: readonly { readonly id: string; readonly interval: number }[],
): DeviceStates {
  const states = new Map(
    devices.map((d) => [
      d.id,
      { ...d, failures: 0, last: undefined as Instant | undefined, error: undefined as string | undefined },
    ]),
  );
  return {
    answered(id, at) {
      const state = states.get(id);
      if (state) Object.assign(state, { failures: 0, last: at, error: undefined });
    },
    failed(id, error) {
      const state = states.get(id);
      if (!state) return 0;
      state.error = error;
      return ++state.failures;
    },
    all: (now) =>
      [...states.values()].map(({ id, interval, failures, last, error }) => ({
        id,
        state: stateOf({ failures, interval, ...(last !== undefined && { age: now - last }) }),
        failures,
        ...(last !== undefined && { lastReading: last }),
        ...(error !== undefined && { error }),
      })),
  };
}

function stateOf({
  failures,
  interval,
  age,
}: {
  failures: number;
  interval: number;
  age?: number;
}): DeviceState["state"] {
  if (failures > 0) return "backingOff";
  if (age === undefined) return "starting";
  return age > SILENT_INTERVALS * interval ? "silent" : "ok";
}
