import { deviceId, type Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Live } from "../acquire/live.ts";
import type { RecordStore } from "../record/store.ts";
import { openActuator, type Actuator } from "./actuator.ts";
import { overridesOf } from "./commands.ts";
import type { ActuatorSettings } from "./settings.ts";
import { switchWire, type SwitchWires } from "./switch-wire.ts";

/** All actuators of the site, looked after once a second. */
export interface Actuators extends AsyncDisposable {
  all(): readonly Actuator[];
  find(id: string): Actuator | undefined;
  /** Whoever held some of them is gone: those go to safe. */
  letGo(by: string): Promise<void>;
}

export interface ActuatorsOptions extends SwitchWires {
  readonly settings: readonly ActuatorSettings[];
  readonly store: Pick<RecordStore, "read" | "run" | "stats">;
  readonly live: Pick<Live, "latest">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of the clock's time, and of real time in a village whose clock runs fast. */
const LOOK_MS = 1_000;

export function openActuators(options: ActuatorsOptions): Actuators {
  const { settings, store, clock, log } = options;
  const overrides = overridesOf(store.read);
  const actuators = new Map(
    settings.map((one): [string, Actuator] => [
      one.id,
      openActuator({
        ...{ settings: one, clock, log, overridden: overrides.get(one.id) },
        wire: switchWire(one, clock.speed, options),
        newest: (stream) => newestOf(options.live, stream),
        keepOverride: (state) => store.run("setOverride", { actuator: one.id, state }),
        keepEvent: (event) => store.run("keepActuatorEvent", event),
        failing: () => store.stats().failing,
      }),
    ]),
  );
  const all = [...actuators.values()];
  const stop = new AbortController();
  const looking = lookAfter(all, clock, stop.signal);
  return {
    all: () => all,
    find: (id) => actuators.get(id),
    letGo: async (by) => void (await Promise.all(all.map((one) => one.letGo(by)))),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking;
      await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

async function lookAfter(all: readonly Actuator[], clock: Clock, signal: AbortSignal): Promise<void> {
  while (all.length > 0 && !signal.aborted) {
    await Promise.all(all.map((one) => one.look()));
    await clock.sleep(LOOK_MS * Math.max(1, clock.speed / 4), signal);
  }
}

const newestOf = (live: Pick<Live, "latest">, stream: string) =>
  live.latest(deviceId(stream.split("/")[0] ?? "")).find((reading) => reading.stream === stream);
