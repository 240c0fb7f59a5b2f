import {
  FieldwattError,
  deviceId,
  instant,
  isQuantity,
  streamId,
  type Clock,
  type Instant,
  type Quantity,
  type Sample,
} from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";

/**
 * What flows write: values of a virtual device. They take the same way as a meter's, and the answer comes after the
 * commit. Each write has an id of the flow's own: what comes again under it is the same reading, also after a crash
 * in between, because the time that was given to an id is kept before the reading is.
 */
export interface Write {
  readonly device: string;
  readonly id: string;
  /** The flow's own time; the gateway's where absent. */
  readonly time?: Instant | undefined;
  /** By quantity, in its unit. */
  readonly values: Readonly<Record<string, number>>;
}

export interface WrittenAt {
  readonly id: string;
  readonly time: Instant;
}

export interface Writes {
  /**
   * Resolves when all are durable, in the order given. Throws MESSAGE_INVALID (no such device or quantity, or another
   * value is there already at that time), CLOCK_REFUSED while no time is known, RECORD_FAILED.
   */
  write(writes: readonly Write[]): Promise<readonly WrittenAt[]>;
}

export const WRITES_MAX = 500;
/** A flow's own time may run ahead of the gateway's by this much, as a device's may. */
const AHEAD_MAX_MS = 5 * 60_000;

export interface WritesOptions {
  readonly store: Pick<RecordStore, "run" | "readings">;
  readonly clock: Clock;
  /** Keeps values of a virtual device; undefined where it is none. */
  keep(device: string, samples: readonly Sample[]): Promise<void> | undefined;
}

export function openWrites({ store, clock, keep }: WritesOptions): Writes {
  const last = new Map<string, number>();
  /** The present, but never the same millisecond twice for one device. */
  const stamp = (device: string): Instant => {
    const time = Math.max(clock.now(), (last.get(device) ?? 0) + 1);
    last.set(device, time);
    return instant(time);
  };
  return {
    async write(writes) {
      if (!clock.trusted()) throw new FieldwattError("CLOCK_REFUSED", "The gateway knows no time yet.");
      const now = clock.now();
      for (const one of writes) check(one, now);
      const ids = writes.map(({ device, id, time }) => ({ device, id, time: time ?? stamp(device) }));
      const times = await store.run("keepWriteIds", { ids, now });
      const placed = writes.map((one, i) => ({ ...one, time: times[i] ?? now }));
      await Promise.all(placed.map((one) => keepOne(one, { store, keep })));
      return placed.map(({ id, time }) => ({ id, time }));
    },
  };
}

function check({ device, time, values }: Write, now: Instant): void {
  if (time !== undefined && time > now + AHEAD_MAX_MS)
    throw new FieldwattError("MESSAGE_INVALID", `${device}: the time is more than five minutes ahead`);
  const stray = Object.keys(values).find((name) => !isQuantity(name));
  if (stray !== undefined) throw new FieldwattError("MESSAGE_INVALID", `"${stray}" is no quantity`);
}

async function keepOne(
  { device, time, values }: Write & { readonly time: Instant },
  { store, keep }: Pick<WritesOptions, "store" | "keep">,
): Promise<void> {
  const samples = Object.entries(values).map(([quantity, value]): Sample => ({
    quantity: quantity as Quantity,
    value,
    time,
  }));
  const kept = keep(device, samples);
  if (!kept) throw new FieldwattError("MESSAGE_INVALID", `There is no virtual device "${device}"`);
  await kept;
  const span = { from: time, to: instant(time + 1) };
  for (const { quantity, value } of samples) {
    const [there] = store.readings.between(streamId(deviceId(device), quantity), span);
    if (there && there.value !== value)
      throw new FieldwattError("MESSAGE_INVALID", `${device}: at that time ${quantity} has another value`);
  }
}
