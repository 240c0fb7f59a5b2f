import { messageOf, type Clock } from "../../domain/model/index.ts";
import type { Decoded } from "../../drivers/driver.ts";
import type { Logger } from "../../platform/log.ts";
import type { DeviceStates } from "./device-state.ts";

/** A device that answers when it is asked, on a bus where one speaks at a time. */
export interface PolledDevice {
  readonly id: string;
  readonly interval: number;
  read(signal: AbortSignal): Promise<Decoded>;
  /** One cheap question: resolves when the device answers at all. */
  probe(signal: AbortSignal): Promise<void>;
  /** Resolves when what was read is durable. */
  keep(decoded: Decoded): Promise<void>;
}

const BACK_OFF_STEP_MS = 2_000;
const BACK_OFF_MAX_MS = 300_000;
/**
 * A device that fails gets at most a tenth of its bus: it is left alone ten times as long as its failure took. (The
 * back-off counts on the site's clock, which in a demo runs faster than the time-outs of the wire.)
 */
const BUS_SHARE_OF_THE_DEAD = 10;
/** A bus so busy that a probe fits nowhere makes room for one after this wait. */
const PROBE_PATIENCE_MS = 300_000;

/**
 * Answers of one bus that are on their way to the disk. A commit takes its time, and the bus goes on asking meanwhile;
 * when so many wait, the disk is slower than the bus, and the bus waits.
 */
const KEEPS_MAX = 64;

/** When one device is asked next. */
interface Turn {
  readonly device: PolledDevice;
  due: number;
  /** The wait that `due` was made of: a clock that was set back must not make it longer. */
  wait: number;
  /** From this turn to the next one. */
  step: number;
  failures: number;
  /** How long its last failure kept the bus. */
  cost: number;
}

export interface Polling {
  readonly clock: Clock;
  readonly states: DeviceStates;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /**
   * What share of its interval a device waits after its first reading, above 0 and at most 1. Every bus begins at once;
   * with a share of its own each then keeps out of the others' way, so that hundreds are not asked in one moment and
   * their answers do not lie about together.
   */
  readonly share?: number;
}

/**
 * Asks the devices of one physical bus, one at a time, each when it is due, until the signal aborts.
 *
 * A device that fails waits 2 s, 4 s, 6 s … up to 5 min and is then probed, in a pause that is long enough for another
 * failure before the next healthy device is due: the others keep their interval.
 */
export async function pollBus(devices: readonly PolledDevice[], polling: Polling): Promise<void> {
  const { clock, share = 1 } = polling;
  // Of this bus alone: each wait looks through all who listen to a signal.
  const signal = AbortSignal.any([polling.signal]);
  const own = { ...polling, signal };
  const start = clock.now();
  const turns = devices.map((device): Turn => ({
    device,
    due: start,
    wait: device.interval,
    step: device.interval * share,
    failures: 0,
    cost: 0,
  }));
  const keeps = new Set<Promise<void>>();
  while (!signal.aborted) {
    const turn = next(turns, clock.now());
    if (!turn) break;
    await clock.sleep(turn.due - clock.now(), signal);
    if (signal.aborted) break;
    const keep = await take(turn, own);
    if (!keep) continue;
    const kept = keep().finally(() => keeps.delete(kept));
    keeps.add(kept);
    if (keeps.size >= KEEPS_MAX) await Promise.race(keeps);
  }
  await Promise.all(keeps);
}

/** Whose turn it is: the healthy device that is due first, or a failing one whose probe fits in before it. */
export function next(turns: readonly Turn[], now: number): Turn | undefined {
  for (const turn of turns) if (turn.due > now + turn.wait) turn.due = now;
  const healthy = firstDue(turns.filter(({ failures }) => failures === 0));
  const failing = firstDue(turns.filter(({ failures }) => failures > 0));
  if (!healthy || !failing) return healthy ?? failing;
  const fits = Math.max(failing.due, now) + failing.cost <= healthy.due;
  return fits || now - failing.due > PROBE_PATIENCE_MS ? failing : healthy;
}

const firstDue = (turns: readonly Turn[]): Turn | undefined =>
  turns.reduce<Turn | undefined>((first, turn) => (first && first.due <= turn.due ? first : turn), undefined);

/** Asks a device. @returns what makes its answer durable, where it gave one */
async function take(turn: Turn, polling: Polling): Promise<(() => Promise<void>) | undefined> {
  const { device, failures } = turn;
  const { clock, signal } = polling;
  const asked = clock.now();
  try {
    if (failures > 0) await device.probe(signal);
    const decoded = await device.read(signal);
    turn.failures = 0;
    turn.wait = device.interval;
    // A bus that cannot keep up skips turns instead of falling further behind.
    turn.due = Math.max(turn.due + turn.step, clock.now());
    turn.step = device.interval;
    return () => keep(turn, decoded, { ...polling, failures });
  } catch (error) {
    fail(turn, { error, cost: clock.now() - asked }, polling);
    return undefined;
  }
}

/** An answer counts when it is durable; one that cannot be kept is a failure like none at all. */
async function keep(
  turn: Turn,
  decoded: Decoded,
  { failures, ...polling }: Polling & { readonly failures: number },
): Promise<void> {
  const { device } = turn;
  try {
    await device.keep(decoded);
    if (failures > 0) polling.log.info({ device: device.id, failures }, "a device answers again");
    polling.states.answered(device.id);
  } catch (error) {
    fail(turn, { error, cost: 0 }, polling);
  }
}

function fail(
  turn: Turn,
  { error, cost }: { readonly error: unknown; readonly cost: number },
  { clock, states, log, signal }: Polling,
): void {
  if (signal.aborted) return;
  const { device } = turn;
  const because = messageOf(error);
  turn.failures = states.failed(device.id, because);
  if (turn.failures === 1)
    log.warn({ device: device.id, because }, "a device does not answer; the others go on");
  turn.cost = cost;
  turn.wait = Math.max(
    Math.min(turn.failures * BACK_OFF_STEP_MS, BACK_OFF_MAX_MS),
    BUS_SHARE_OF_THE_DEAD * cost,
  );
  turn.due = clock.now() + turn.wait;
}
