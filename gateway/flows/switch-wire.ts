import { FieldwattError } from "../../domain/model/index.ts";
import { completeSwitch } from "../../drivers/index.ts";
import type { DeviceTeller } from "../acquire/village-broker.ts";
import type { Wires } from "../acquire/wires.ts";
import type { OnOff } from "./interlocks.ts";
import type { ActuatorSettings } from "./settings.ts";

/** How an actuator is reached. */
export interface SwitchWire {
  /** Resolves when the wire took it. */
  set(state: OnOff): Promise<void>;
  /**
   * Whether it has to be said again, because the other side may have forgotten it since.
   * @param saidMs real ms since it was said last
   */
  isForgotten?(state: OnOff, saidMs: number): boolean;
}

export interface SwitchWires {
  readonly wires: Pick<Wires, "writeCoil" | "switchRelay">;
  /** The village's own broker; absent where it is elsewhere. */
  readonly teller: DeviceTeller | undefined;
  /** Whose each topic space of the broker is. */
  readonly spaces: readonly { readonly user: string; readonly topic: string }[];
}

/** A device listens to its topics a moment after it has signed in: it hears so often, a look apart, where it should be. */
const SAID_A_SESSION = 3;
/** A shorter dead-man time would run out while others have their turn on the line. */
const DEAD_MAN_MIN_S = 10;
/** The relay hears "on" so often before its time is over. */
const RENEWALS = 3;

/** @param speed of the site's clock, in which the watchdog is written */
export function switchWire(
  { connection, watchdog }: Pick<ActuatorSettings, "connection" | "watchdog">,
  speed: number,
  way: SwitchWires,
): SwitchWire {
  switch (connection.kind) {
    case "mqtt":
      return topicWire(connection, way);
    case "node": {
      // Where the gateway loses its power the node falls back by itself, as late as it would have told it to.
      const seconds = Math.max(DEAD_MAN_MIN_S, Math.ceil(watchdog / speed / 1_000));
      return {
        set: (state) => way.wires.switchRelay(connection.device, { on: state === "on", seconds }),
        isForgotten: (state, saidMs) => state === "on" && saidMs >= (seconds * 1_000) / RENEWALS,
      };
    }
    case "modbus-tcp":
    case "modbus-rtu-over-tcp":
    case "modbus-rtu": {
      const { coil: at, ...written } = connection;
      const bus = completeSwitch(written);
      return { set: (state) => way.wires.writeCoil(bus, { at, on: state === "on" }) };
    }
  }
}

/**
 * A device of the broker has heard nothing while it was away, and comes back as it likes: what is said to nobody is a
 * fault, and whoever signs in again is told again.
 */
function topicWire(
  connection: Extract<ActuatorSettings["connection"], { kind: "mqtt" }>,
  { teller, spaces }: SwitchWires,
): SwitchWire {
  const { topic } = connection;
  const user = spaces.find((space) => topic.startsWith(`${space.topic}/`))?.user;
  const session = (): number | undefined => (user === undefined ? 0 : teller?.session(user));
  let told: { readonly session: number; readonly times: number } | undefined;
  return {
    async set(state) {
      if (!teller) throw new FieldwattError("BROKER_FAILED", "The site has no broker of its own.");
      const now = session();
      if (now === undefined) throw new FieldwattError("BROKER_FAILED", `${user} is not connected`);
      await teller.publish(topic, new TextEncoder().encode(connection[state]));
      told = { session: now, times: told?.session === now ? told.times + 1 : 1 };
    },
    isForgotten: () => told?.session !== session() || told === undefined || told.times < SAID_A_SESSION,
  };
}
