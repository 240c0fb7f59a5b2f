import type { Measured } from "../lorawan/payloads.ts";
import type { Message } from "./plugs.ts";

/** What OpenDTU calls the AC side (channel 0), with the digits that it prints; energy in kWh. */
const FIELDS: readonly (readonly [name: string, target: string, factor: number, digits: number])[] = [
  ["power", "activePower", 1, 1],
  ["voltage", "voltage", 1, 1],
  ["current", "current", 1, 2],
  ["frequency", "frequency", 1, 2],
  ["powerfactor", "powerFactor", 1, 3],
  ["reactivepower", "reactivePower", 1, 1],
  ["temperature", "deviceTemperature", 1, 1],
  ["yieldtotal", "activeEnergyExport", 0.001, 3],
];

/** An inverter behind OpenDTU (docs/MQTT_Topics.md): one plain number a topic, below `<base>/<serial>`. */
export function opendtuMessages(measured: Measured): Message[] {
  const channel = FIELDS.flatMap(([name, target, factor, digits]) => {
    const value = measured(target);
    return value === undefined ? [] : [plain(`0/${name}`, (value * factor).toFixed(digits))];
  });
  return [...channel, plain("status/reachable", "1"), plain("status/producing", "1")];
}

const plain = (subtopic: string, text: string): Message => ({ subtopic, payload: Buffer.from(text) });
