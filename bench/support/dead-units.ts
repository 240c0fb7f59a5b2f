import { setFlagsFromString } from "node:v8";
import { setTimeout as wait } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { openModbusBus, type DeviceDefinition, type ModbusConnection } from "../../drivers/index.ts";
import { createDeviceStates } from "../../gateway/acquire/device-state.ts";
import { pollBus, type PolledDevice } from "../../gateway/acquire/poll.ts";
import { openClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";

/** What a line costs when units of it are dead, by the gateway's own polling. */
const INTERVAL_MS = 1_000;
const POLL_MS = 12_000;
/** The first cycles: the dead unit is found out, at the cost of one time-out. */
const SETTLE_MS = 3_000;
const DEAD_DEVICES = 20;
const DEAD_TIMEOUT_MS = 100;
/** The site's clock runs faster, so that back-off does not hide what failures cost. */
const SPEED = 60;

const world = (): number => performance.timeOrigin + performance.now();

interface Line {
  readonly devices: readonly PolledDevice[];
  readonly clock: ReturnType<typeof openClock>;
}

/** Polls until the signal aborts; log lines are made and thrown away. */
async function poll({ devices, clock }: Line, signal: AbortSignal): Promise<void> {
  const log = openLog("bench", { write: () => undefined });
  await pollBus(devices, { clock, states: createDeviceStates(devices), log, signal });
}

/** Mean and longest interval, ms, between two readings of the units of a line, one of which may be dead. */
export async function pollTenUnits(
  connection: ModbusConnection,
  definition: DeviceDefinition,
  leftOut: number,
): Promise<{ readonly mean: number; readonly longest: number }> {
  const clock = openClock(world);
  await using bus = openModbusBus(connection, { now: () => clock.now() });
  const times = new Map<number, number[]>();
  const start = performance.now();
  const devices = Array.from({ length: 10 }, (_, index): PolledDevice => {
    const unit = index + 1;
    times.set(unit, []);
    return {
      id: `unit-${unit}`,
      interval: INTERVAL_MS,
      read: (signal) => bus.read(definition, unit, signal),
      probe: (signal) => bus.probe(definition, unit, signal),
      async keep() {
        if (performance.now() - start > SETTLE_MS) times.get(unit)?.push(performance.now());
        await Promise.resolve();
      },
    };
  });
  const stop = new AbortController();
  const done = poll({ devices, clock }, stop.signal);
  await wait(POLL_MS);
  stop.abort();
  await done;
  times.delete(leftOut);
  const gaps = [...times.values()].flatMap((own) =>
    own.slice(1).map((time, index) => time - (own[index] ?? 0)),
  );
  return { mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, longest: Math.max(...gaps) };
}

/** Failures of twenty dead units of one line, and the bytes by which the heap grew in the second half. */
export async function pollDeadDevices(
  connection: ModbusConnection,
  definition: DeviceDefinition,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<{ readonly failures: number; readonly grown: number }> {
  const clock = openClock(world, { world: world(), village: world(), speed: SPEED });
  await using bus = openModbusBus(connection, { now: () => clock.now(), timeoutMs: DEAD_TIMEOUT_MS });
  let failures = 0;
  const counted = (error: unknown): never => {
    failures += 1;
    throw error;
  };
  const devices = Array.from({ length: DEAD_DEVICES }, (_, index): PolledDevice => {
    const unit = index + 1;
    return {
      id: `dead-${unit}`,
      interval: INTERVAL_MS,
      read: (stop) => bus.read(definition, unit, stop).catch(counted),
      probe: (stop) => bus.probe(definition, unit, stop).catch(counted),
      keep: () => Promise.resolve(),
    };
  });
  const stop = new AbortController();
  const done = poll({ devices, clock }, AbortSignal.any([stop.signal, signal]));
  await wait((seconds * 1_000) / 2, undefined, { signal });
  const half = heapInUse();
  await wait((seconds * 1_000) / 2, undefined, { signal });
  const grown = heapInUse() - half;
  stop.abort();
  await done;
  return { failures, grown };
}

/** Bytes on the heap that are really in use: garbage is collected before. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
