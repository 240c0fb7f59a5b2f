import { connect, type MqttClient } from "mqtt";
import { setTimeout as wait } from "node:timers/promises";
import { meterOf, type Village } from "./kit.ts";

/**
 * A Tasmota meter as an MQTT client: sends its register, keeps what was not acknowledged and sends it again after a
 * reconnect. Its ledger of acknowledgements is what the record is held against.
 */
export interface Meter extends AsyncDisposable {
  readonly id: string;
  /** Registers (Wh) whose PUBACK came. */
  readonly acknowledged: ReadonlySet<number>;
}

/** Messages that wait for their PUBACK at once. */
const WINDOW = 20;

export function openMeter(
  village: Village,
  member: string,
  options: { everyMs: number; wattHours: number },
): Meter {
  const id = meterOf(member);
  const acknowledged = new Set<number>();
  const stop = new AbortController();
  const client = connect(`mqtt://127.0.0.1:${village.brokerPort}`, {
    clientId: id,
    username: id,
    password: village.passwords[id] ?? "",
    clean: false,
    reconnectPeriod: 100,
    connectTimeout: 2_000,
  });
  client.on("error", () => undefined);
  const running = publish(client, { id, acknowledged, signal: stop.signal, ...options });
  return {
    id,
    acknowledged,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await client.endAsync(true);
    },
  };
}

async function publish(
  client: MqttClient,
  options: { id: string; acknowledged: Set<number>; signal: AbortSignal; everyMs: number; wattHours: number },
): Promise<void> {
  const { id, acknowledged, signal, everyMs, wattHours } = options;
  let waiting = 0;
  for (let register = 1_000_000; !signal.aborted; register += wattHours) {
    // Tasmota tells kWh with three decimals, so a whole Wh arrives as it left.
    const payload = JSON.stringify({ Time: "2026-06-15T00:00:00", ENERGY: { Total: register / 1000 } });
    waiting++;
    client.publish(`devices/${id}/tele/SENSOR`, payload, { qos: 1 }, (error) => {
      waiting--;
      if (!error) acknowledged.add(register);
    });
    while (waiting >= WINDOW && !signal.aborted) await wait(5);
    await wait(everyMs);
  }
}
