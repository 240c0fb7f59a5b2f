import { normalise, type Placement } from "../../domain/energy/normalise.ts";
import {
  addMs,
  instant,
  type Clock,
  type DeviceId,
  type Instant,
  type Reading,
} from "../../domain/model/index.ts";
import type { Decoded } from "../../drivers/driver.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import { frozenWatch } from "./frozen.ts";

/** From what a device said to what is durable. Resolves after the commit; throws RECORD_FAILED, RECORD_CLOSED. */
export type Keep = (placement: Placement, decoded: Decoded) => Promise<void>;

export interface KeepOptions {
  readonly store: Pick<RecordStore, "append">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  /** Called after each commit. */
  onKept(device: DeviceId, readings: readonly Reading[]): void;
}

/** A device's own stamp may run ahead of the gateway's clock by this much; beyond it, it is the clock that lies. */
const AHEAD_MAX_MS = 5 * 60_000;
/** Stamps made here may run ahead of the clock by this much, when a device sends more than one message a millisecond. */
const STAMPS_AHEAD_MAX_MS = 1_000;

export function keeper({ store, clock, log, onKept }: KeepOptions): Keep {
  const lastStamp = new Map<DeviceId, Instant>();
  const markFrozen = frozenWatch();
  const ahead = new Set<DeviceId>();

  /** The present, but never the same millisecond twice for one device: the record keeps one value a stream and time. */
  const stamp = (device: DeviceId): Instant => {
    const now = clock.now();
    const after = (lastStamp.get(device) ?? 0) + 1;
    // A clock that was set back is followed.
    const time = instant(after > now + STAMPS_AHEAD_MAX_MS ? now : Math.max(now, after));
    lastStamp.set(device, time);
    return time;
  };
  const warnOnce = (device: DeviceId): void => {
    if (ahead.has(device)) return;
    ahead.add(device);
    log.warn({ device }, "a device stamps its values with a time to come: set its clock; they are not kept");
  };

  return async (placement, { samples }) => {
    if (samples.length === 0) return;
    const { device } = placement;
    const now = stamp(device);
    const believed = samples.filter(
      (sample) => sample.time === undefined || sample.time <= addMs(now, AHEAD_MAX_MS),
    );
    if (believed.length < samples.length) warnOnce(device);
    else ahead.delete(device);
    if (believed.length === 0) return;
    const readings = markFrozen(believed.map((sample) => normalise(sample, placement, now)));
    await store.append(readings);
    onKept(device, readings);
  };
}
