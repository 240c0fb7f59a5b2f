import { normalise, type Placement } from "../../domain/energy/normalise.ts";
import {
  addMs,
  instant,
  type Clock,
  type DeviceId,
  type Reading,
  type Sample,
} from "../../domain/model/index.ts";
import type { Decoded } from "../../drivers/driver.ts";
import type { Logger } from "../../platform/log.ts";
import type { AppendOptions, RecordStore } from "../record/store.ts";
import type { ReadingTime } from "../time/time.ts";
import { frozenWatch } from "./frozen.ts";
import { openStamps, type Stamp } from "./stamps.ts";

/** From what a device said to what is durable. Resolves after the commit; throws RECORD_FAILED, RECORD_CLOSED. */
export type Keep = (placement: Placement, decoded: Decoded, options?: AppendOptions) => Promise<void>;

export interface KeepOptions {
  readonly store: Pick<RecordStore, "append">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  /** Where the time may be unknown; absent where the clock is always trusted. */
  readonly time?: ReadingTime | undefined;
  /** Called after each commit. */
  onKept(device: DeviceId, readings: readonly Reading[]): void;
  /** Called after each commit of readings that wait for their time; what they carry is a lower bound of it. */
  onUndated?(device: DeviceId, readings: readonly Reading[]): void;
}

/** A device's own stamp may run ahead of the gateway's clock by this much; beyond it, it is the clock that lies. */
const AHEAD_MAX_MS = 5 * 60_000;

export function keeper({ store, clock, log, time, onKept, onUndated }: KeepOptions): Keep {
  const stamp = openStamps();
  const stampUptime = openStamps({ aheadMaxMs: Infinity });
  const markFrozen = frozenWatch();
  const ahead = new Set<DeviceId>();
  const warnOnce = (device: DeviceId): void => {
    if (ahead.has(device)) return;
    ahead.add(device);
    log.warn({ device }, "a device stamps its values with a time to come: set its clock; they are not kept");
  };

  /** Whether a device's own stamp is right shows when they are dated. */
  const keepUndated = async (placement: Placement, samples: readonly Sample[], at: ReadingTime) => {
    const { time: uptime } = stampUptime(placement.device, Math.floor(at.uptime()));
    const now = clock.now();
    const readings = markFrozen(
      samples.map(({ time: _own, ...sample }) => normalise(sample, placement, now)),
    );
    const waiting = readings.map(({ stream, value, quality }, i) => {
      const own = samples[i]?.time;
      return { stream, value, quality, ...(own !== undefined && { own }) };
    });
    await at.keepUndated(waiting, uptime);
    onUndated?.(placement.device, readings);
  };

  return async (placement, { samples }, options) => {
    if (samples.length === 0) return;
    if (time && !clock.trusted()) return keepUndated(placement, samples, time);
    const { device } = placement;
    const here = stamp(device, clock.now());
    const now = instant(here.time);
    const believed = samples.filter(
      (sample) => sample.time === undefined || sample.time <= addMs(now, AHEAD_MAX_MS),
    );
    if (believed.length < samples.length) warnOnce(device);
    else ahead.delete(device);
    if (believed.length === 0) return;
    const sure = time?.isSure() ?? true;
    const readings = markFrozen(
      believed.map((sample) =>
        withDoubt(normalise(stamped(sample, here), placement, now), sure || sample.time !== undefined),
      ),
    );
    await store.append(readings, options);
    onKept(device, readings);
  };
}

/** A stamp by a clock in doubt says so; a value that must not be used stays what it is. */
const withDoubt = (reading: Reading, sure: boolean): Reading =>
  sure || reading.quality !== "ok" ? reading : { ...reading, quality: "estimated" };

/** What has a time of its own has a sequence of its own, or needs none. */
const stamped = (sample: Sample, { sequence }: Stamp): Sample =>
  sequence === 0 || sample.time !== undefined ? sample : { ...sample, sequence };
