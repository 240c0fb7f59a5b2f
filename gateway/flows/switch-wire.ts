import { FieldwattError } from "../../domain/model/index.ts";
import { completeSwitch } from "../../drivers/index.ts";
import type { Wires } from "../acquire/wires.ts";
import type { OnOff } from "./interlocks.ts";
import type { ActuatorSettings } from "./settings.ts";

/** How an actuator is reached. */
export interface SwitchWire {
  /** Resolves when the wire took it. */
  set(state: OnOff): Promise<void>;
  /** Real ms after which "on" has to be said again, where the other side forgets it by itself. */
  readonly renewMs?: number;
}

export interface SwitchWires {
  readonly wires: Pick<Wires, "writeCoil" | "switchRelay">;
  /** The village's own broker; absent where it is elsewhere. */
  readonly publish: ((topic: string, payload: Uint8Array) => Promise<void>) | undefined;
}

/** A shorter dead-man time would run out while others have their turn on the line. */
const DEAD_MAN_MIN_S = 10;
/** The relay hears "on" so often before its time is over. */
const RENEWALS = 3;

/** @param speed of the site's clock, in which the watchdog is written */
export function switchWire(
  { connection, watchdog }: Pick<ActuatorSettings, "connection" | "watchdog">,
  speed: number,
  { wires, publish }: SwitchWires,
): SwitchWire {
  switch (connection.kind) {
    case "mqtt":
      return {
        async set(state) {
          if (!publish) throw new FieldwattError("BROKER_FAILED", "The site has no broker of its own.");
          await publish(connection.topic, new TextEncoder().encode(connection[state]));
        },
      };
    case "node": {
      // Where the gateway loses its power the node falls back by itself, as late as it would have told it to.
      const seconds = Math.max(DEAD_MAN_MIN_S, Math.ceil(watchdog / speed / 1_000));
      return {
        set: (state) => wires.switchRelay(connection.device, { on: state === "on", seconds }),
        renewMs: (seconds * 1_000) / RENEWALS,
      };
    }
    case "modbus-tcp":
    case "modbus-rtu-over-tcp":
    case "modbus-rtu": {
      const { coil: at, ...written } = connection;
      const bus = completeSwitch(written);
      return { set: (state) => wires.writeCoil(bus, { at, on: state === "on" }) };
    }
  }
}
