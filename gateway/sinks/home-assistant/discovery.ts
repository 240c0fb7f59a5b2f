import { isQuantity, type StreamId } from "../../../domain/model/index.ts";
import { entityOf, type Entity } from "./entities.ts";

/** Topics and discovery messages (home-assistant.io/integrations/mqtt, "MQTT Discovery"). */
export interface Naming {
  /** The gateway's id. */
  readonly site: string;
  /** Home Assistant's discovery prefix. */
  readonly prefix: string;
  /** Ours, for states. */
  readonly topic: string;
}

export interface DiscoveredDevice {
  readonly id: string;
  readonly maker: string;
  readonly model: string;
}

export interface Sensor {
  readonly stream: StreamId;
  readonly device: string;
  /** What the stream is called in the device's state: quantity, or quantity/channel. */
  readonly key: string;
  readonly entity: Entity;
}

/** Undefined for a stream whose quantity this program does not know. */
export function sensorOf(stream: StreamId): Sensor | undefined {
  const [device = "", quantity = "", ...channel] = stream.split("/");
  if (!isQuantity(quantity)) return undefined;
  const key = stream.slice(device.length + 1);
  return { stream, device, key, entity: entityOf(quantity, channel.join(" ")) };
}

export const gatewayStatusTopic = ({ topic, site }: Naming): string => `${topic}/${site}/status`;
export const deviceStatusTopic = ({ topic, site }: Naming, device: string): string =>
  `${topic}/${site}/${device}/status`;
export const stateTopic = ({ topic, site }: Naming, device: string): string =>
  `${topic}/${site}/${device}/state`;
/** Home Assistant says "online" there when it has started. */
export const birthTopic = ({ prefix }: Pick<Naming, "prefix">): string => `${prefix}/status`;

/** Node and object ids may hold letters, digits, `_` and `-` only. */
const idPart = (text: string): string => text.replace(/[^a-zA-Z0-9_-]/g, "_");
const objectId = ({ device, key }: Sensor): string => `${idPart(device)}_${idPart(key)}`;

export const configTopic = ({ prefix, site }: Naming, sensor: Sensor): string =>
  `${prefix}/sensor/${idPart(site)}/${objectId(sensor)}/config`;

export function configMessage(naming: Naming, sensor: Sensor, device: DiscoveredDevice): string {
  const { entity, key } = sensor;
  const { name, deviceClass, stateClass, unit } = entity;
  return JSON.stringify({
    name,
    unique_id: `fieldwatt_${idPart(naming.site)}_${objectId(sensor)}`,
    state_topic: stateTopic(naming, sensor.device),
    // "None", which null becomes, is Home Assistant's word for unknown.
    value_template: `{{ value_json[${JSON.stringify(key)}] }}`,
    ...(deviceClass !== undefined && { device_class: deviceClass }),
    ...(stateClass !== undefined && { state_class: stateClass }),
    ...(unit !== undefined && { unit_of_measurement: unit }),
    availability: [
      { topic: gatewayStatusTopic(naming) },
      { topic: deviceStatusTopic(naming, sensor.device) },
    ],
    availability_mode: "all",
    device: {
      identifiers: [`fieldwatt_${naming.site}_${device.id}`],
      name: device.id,
      manufacturer: device.maker,
      model: device.model,
    },
    origin: { name: "Fieldwatt" },
  });
}
