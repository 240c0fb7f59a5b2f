import type { Measured } from "../lorawan/payloads.ts";

type Fields = readonly (readonly [name: string, target: string, factor: number, digits: number])[];

const FIELDS: Readonly<Record<string, Fields>> = {
  "zigbee2mqtt-plug": [
    ["power", "activePower", 1, 1],
    ["voltage", "voltage", 1, 0],
    ["current", "current", 1, 2],
    ["energy", "activeEnergyImport", 0.001, 2],
  ],
  "zigbee2mqtt-climate": [
    ["temperature", "airTemperature", 1, 2],
    ["humidity", "relativeHumidity", 1, 2],
    ["pressure", "atmosphericPressure", 10, 1],
    ["battery", "stateOfCharge.battery", 1, 0],
  ],
  "zigbee2mqtt-soil": [
    ["soil_moisture", "soilMoisture", 100, 0],
    ["temperature", "soilTemperature", 1, 1],
    ["battery", "stateOfCharge.battery", 1, 0],
  ],
};

export const isZigbee = (device: string): boolean => Object.hasOwn(FIELDS, device);

/** The state of a device behind Zigbee2MQTT, published on `<base>/<friendly name>` itself; null where unknown. */
export function zigbeeState(device: string, measured: Measured): Uint8Array {
  const state = (FIELDS[device] ?? []).map(([name, target, factor, digits]) => {
    const value = measured(target);
    return [name, value === undefined ? null : Number((value * factor).toFixed(digits))] as const;
  });
  return Buffer.from(JSON.stringify({ linkquality: 96, ...Object.fromEntries(state) }));
}
