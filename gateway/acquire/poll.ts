import { messageOf, type Clock } from "../../domain/model/index.ts";
import type { Decoded } from "../../drivers/driver.ts";
import type { Logger } from "../../platform/log.ts";
import type { DeviceStates } from "./device-state.ts";

/** A device that answers when it is asked, on a bus where one speaks at a time. */
export interface PolledDevice {
  readonly id: string;
  readonly interval: number;
  read(signal: AbortSignal): Promise<Decoded>;
  /** Resolves when what was read is durable. */
  keep(decoded: Decoded): Promise<void>;
}

const BACK_OFF_STEP_MS = 2_000;
const BACK_OFF_MAX_MS = 300_000;
/** A device that fails gets at most a tenth of its bus: it is left alone ten times as long as its failure took. */
const BUS_SHARE_OF_THE_DEAD = 10;

/**
 * Asks the devices of one physical bus, one at a time, each when it is due, until the signal aborts. A device that
 * fails waits 2 s, 4 s, 6 s … up to 5 min; the others keep their interval.
 */
export async function pollBus(
  devices: readonly PolledDevice[],
  { clock, states, log, signal }: { clock: Clock; states: DeviceStates; log: Logger; signal: AbortSignal },
): Promise<void> {
  const due = new Map<PolledDevice, number>(devices.map((device) => [device, clock.now()]));
  while (!signal.aborted) {
    const [device, at] = [...due].reduce((a, b) => (b[1] < a[1] ? b : a));
    await clock.sleep(at - clock.now(), signal);
    if (signal.aborted) return;
    const asked = clock.now();
    try {
      await device.keep(await device.read(signal));
      states.answered(device.id, clock.now());
      // A bus that cannot keep up skips turns instead of falling further behind.
      due.set(device, Math.max(at + device.interval, clock.now()));
    } catch (error) {
      if (signal.aborted) return;
      const failures = states.failed(device.id, messageOf(error));
      if (failures === 1)
        log.warn(
          { device: device.id, because: messageOf(error) },
          "a device does not answer; the others go on",
        );
      const pause = Math.max(
        Math.min(failures * BACK_OFF_STEP_MS, BACK_OFF_MAX_MS),
        BUS_SHARE_OF_THE_DEAD * (clock.now() - asked),
      );
      due.set(device, clock.now() + pause);
    }
  }
}
