import type { Instant } from "../../domain/model/index.ts";
import { lorawanPayload, LORAWAN_FAKES, type Measured } from "../lorawan/payloads.ts";
import { chirpstackUplink, thingsStackUplink } from "../lorawan/uplinks.ts";
import { esphomeMessages } from "./esphome.ts";
import { discoveryMessages, JSON_FAKES, jsonMessages } from "./json-devices.ts";
import { opendtuMessages } from "./opendtu.ts";
import { sparkplugBirth, sparkplugData } from "./sparkplug.ts";
import { isZigbee, zigbeeState } from "./zigbee2mqtt.ts";

/** A message with its whole topic. */
export interface FakeMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** What a fake sends at a moment: `turn` counts from 0. */
export interface Turn {
  readonly measured: Measured;
  readonly time: Instant;
  readonly turn: number;
}

/** A device that speaks MQTT: its messages of one turn, below its topic. */
export type MqttFake = (turn: Turn) => FakeMessage[];

/**
 * Device files that have a fake here, LoRaWAN devices behind a network server among them. Where a file reads several
 * forms of messages, those besides the first have the form's name after a colon.
 */
export const mqttFakes = (): readonly string[] => [
  "opendtu-inverter",
  "esphome-sensors",
  "zigbee2mqtt-plug",
  "zigbee2mqtt-climate",
  "zigbee2mqtt-soil",
  "sparkplug-node",
  "homeassistant-discovery",
  ...JSON_FAKES(),
  ...LORAWAN_FAKES(),
];

/** The fake of a device file's id; undefined where there is none. The device's messages are all below `topic`. */
export function mqttFake(device: string, topic: string): MqttFake | undefined {
  if (device === "opendtu-inverter") return ({ measured }) => below(topic, opendtuMessages(measured));
  if (device === "esphome-sensors") return ({ measured }) => below(topic, esphomeMessages(measured));
  if (isZigbee(device)) return ({ measured }) => [{ topic, payload: zigbeeState(device, measured) }];
  if (device === "sparkplug-node") return sparkplugNode(topic);
  if (device === "homeassistant-discovery")
    return ({ measured }) => below(topic, discoveryMessages(topic, measured));
  if (JSON_FAKES().includes(device))
    return ({ measured, time }) => below(topic, jsonMessages(device, measured, time) ?? []);
  return LORAWAN_FAKES().includes(device) ? lorawanDevice(device, topic) : undefined;
}

const below = (
  topic: string,
  messages: readonly { readonly subtopic: string; readonly payload: Uint8Array }[],
): FakeMessage[] => messages.map(({ subtopic, payload }) => ({ topic: `${topic}/${subtopic}`, payload }));

const METRICS = ["activePower", "voltage", "current", "activeEnergyImport"] as const;
const SEQUENCE = 256;

/** An edge node `fake` below `spBv1.0/<group>`: a birth at the first turn, then data by alias. */
const sparkplugNode =
  (topic: string): MqttFake =>
  ({ measured, time, turn }) => {
    const sources = METRICS.map((target) => ({ name: `meter/${target}`, value: measured(target) }));
    const sent = { time, seq: turn % SEQUENCE };
    return turn === 0
      ? [{ topic: `${topic}/NBIRTH/fake`, payload: sparkplugBirth(sources, sent) }]
      : [{ topic: `${topic}/NDATA/fake`, payload: sparkplugData(sources, sent) }];
  };

const DEV_EUI = "a84041000181c061";

/** Below a topic that begins as The Things Stack's do the uplink is of its form, else of ChirpStack's. */
const lorawanDevice = (device: string, topic: string): MqttFake => {
  const uplink = topic.startsWith("v3/") ? thingsStackUplink : chirpstackUplink;
  return ({ measured, time, turn }) => {
    const payload = lorawanPayload(device, measured);
    return payload ? below(topic, [uplink({ ...payload, devEui: DEV_EUI, count: turn, time })]) : [];
  };
};
