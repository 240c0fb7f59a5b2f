import type { Mounting } from "../../domain/model/index.ts";
import type { Transport } from "../transport.ts";
import type { YardSwitch } from "../village/yard.ts";

/** What hangs in the yard of the co-op: no household's, the same in every village. */
export interface YardDevice {
  readonly id: string;
  /** As in a site file; absent for the relay, which measures nothing. */
  readonly measures?: {
    readonly device: YardDeviceFile;
    readonly mounting: Mounting;
    readonly interval: string;
  };
  readonly part: YardPart;
  readonly transport: Transport;
}

export type YardPart = "grid" | "solar" | "tank" | "relay" | "battery" | "fridge" | "loads";

export type YardDeviceFile =
  | "eastron-sdm120"
  | "waveshare-analog-input-8ch-tank"
  | "victron-bmv"
  | "zigbee2mqtt-climate"
  | "tasmota-energy";

/** What can be switched there, and by which of its devices. */
export interface YardSwitchPlan {
  readonly id: string;
  readonly name: string;
  readonly what: YardSwitch;
  readonly device: string;
}

const SERVER = "yard";
const MINUTE = "1 min";
/** The relay's only coil. */
export const PUMP_COIL = 0;

const behind = (unit: number): Transport => ({ kind: "modbus-tcp", server: SERVER, unit });
const MQTT: Transport = { kind: "mqtt" };

export const YARD_DEVICES: readonly YardDevice[] = [
  {
    id: "yard-meter",
    measures: { device: "eastron-sdm120", mounting: "grid", interval: MINUTE },
    part: "grid",
    transport: behind(1),
  },
  {
    id: "yard-solar",
    measures: { device: "eastron-sdm120", mounting: "solar", interval: MINUTE },
    part: "solar",
    transport: behind(2),
  },
  {
    id: "yard-tank",
    measures: { device: "waveshare-analog-input-8ch-tank", mounting: "tank", interval: MINUTE },
    part: "tank",
    transport: behind(3),
  },
  { id: "yard-relay", part: "relay", transport: behind(4) },
  {
    id: "yard-battery",
    measures: { device: "victron-bmv", mounting: "battery", interval: MINUTE },
    part: "battery",
    transport: { kind: "serial", port: "battery", baudRate: 19_200 },
  },
  {
    id: "yard-fridge",
    measures: { device: "zigbee2mqtt-climate", mounting: "load", interval: MINUTE },
    part: "fridge",
    transport: MQTT,
  },
  {
    id: "yard-loads",
    measures: { device: "tasmota-energy", mounting: "load", interval: MINUTE },
    part: "loads",
    transport: MQTT,
  },
];

export const YARD_SWITCH_PLANS: readonly YardSwitchPlan[] = [
  { id: "pump", name: "Pump at the borehole", what: "pump", device: "yard-relay" },
  { id: "heavy-loads", name: "Mill and workshop", what: "loads", device: "yard-loads" },
];
