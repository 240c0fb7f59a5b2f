import { converter, type Quantity } from "../../domain/model/index.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import type { Scaling } from "../value.ts";
import { decodeValue, parseJson, textAt, valueAt } from "./json.ts";

/**
 * Home Assistant's MQTT discovery, read: a config message under `…/sensor/[node/]object/config` teaches which topic
 * carries which quantity (Home Assistant documentation, "MQTT Discovery" and "MQTT Sensor"). Only templates of the form
 * `{{ value_json.a.b }}` are understood; no template is run.
 */
export interface DiscoveredPoint extends Scaling {
  /** The unique name of the entity: a second config of the same entity takes the place of the first. */
  readonly entity: string;
  /** Where the value stands in the JSON of the state; empty where the payload is the number. */
  readonly path: readonly string[];
}

/** Points by state topic. */
export type Discovered = Map<string, DiscoveredPoint[]>;

const MAX_TOPICS = 500;
const MAX_POINTS = 100;

/** Learns one config message. An empty one takes the entity back. What is not understood is a problem. */
export function learn(discovered: Discovered, topic: string, payload: string): Decoded {
  const entity = topic.slice(0, -"/config".length);
  forget(discovered, entity);
  if (payload.trim() === "") return NOTHING;
  const config = parseJson(payload);
  if (typeof config !== "object" || config === null)
    return problem("malformed", `the config on ${topic} is not JSON`);
  const point = pointOf(config, entity);
  if (typeof point === "string") return problem("unknownModel", `${entity}: ${point}`);
  const state = stateTopic(config);
  if (state === undefined) return problem("malformed", `${entity} has no state topic`);
  const known = discovered.get(state) ?? [];
  if (known.length >= MAX_POINTS || (known.length === 0 && discovered.size >= MAX_TOPICS))
    return problem("malformed", `${entity}: too many entities; it is left out`);
  discovered.set(state, [...known, point]);
  return NOTHING;
}

function forget(discovered: Discovered, entity: string): void {
  for (const [topic, points] of discovered) {
    const rest = points.filter((point) => point.entity !== entity);
    if (rest.length === 0) discovered.delete(topic);
    else if (rest.length < points.length) discovered.set(topic, rest);
  }
}

/** A state message of a topic that was announced. */
export function decodeDiscovered(points: readonly DiscoveredPoint[], payload: string): Decoded {
  const json = points.some(({ path }) => path.length > 0) ? parseJson(payload) : undefined;
  return joined(
    points.map((point) => {
      const value = point.path.length === 0 ? payload.trim() : valueAt(json, point.path);
      return value === undefined ? NOTHING : decodeValue(point, point.channel, value);
    }),
  );
}

/** Either name of a setting: the full one or Home Assistant's abbreviation. */
const setting = (config: unknown, name: string, short: string): string | undefined =>
  textAt(config, name) ?? textAt(config, short);

/** `~` at either end of a topic stands for the base topic. */
function stateTopic(config: unknown): string | undefined {
  const base = textAt(config, "~") ?? "";
  return setting(config, "state_topic", "stat_t")
    ?.replace(/^~/, () => base)
    .replace(/~$/, () => base);
}

const SIMPLE_TEMPLATE =
  /^\{\{-?\s*value_json((?:\.\w+|\[['"][^'"\]]+['"]\])+)\s*(?:\|\s*float(?:\(0?\))?\s*)?-?\}\}$/;

/** The path of a template of the simple form; undefined for any other. */
function templatePath(template: string | undefined): readonly string[] | undefined {
  const text = template?.trim() ?? "";
  if (text === "" || /^\{\{\s*value\s*(\|\s*float(\(0?\))?\s*)?\}\}$/.test(text)) return [];
  const steps = SIMPLE_TEMPLATE.exec(text)?.[1];
  return steps?.match(/\.\w+|\[['"][^'"\]]+['"]\]/g)?.map((step) => step.replace(/^\.|^\[['"]|['"]\]$/g, ""));
}

/** What a config means, or why it means nothing here. */
function pointOf(config: unknown, entity: string): DiscoveredPoint | string {
  const kind = setting(config, "device_class", "dev_cla");
  const unit = unitOfConfig(setting(config, "unit_of_measurement", "unit_of_meas"), kind);
  if (kind === undefined) return "it has no device class";
  const name = entity.split("/").at(-1)?.toLowerCase() ?? "";
  const quantity = quantityOf(kind, name, setting(config, "state_class", "stat_cla"));
  if (quantity === undefined) return `the device class "${kind}" of "${name}" is no quantity of this house`;
  if (unit === undefined || !converter(quantity, unit))
    return `${quantity} cannot be given in ${unit ?? "no unit"}`;
  const path = templatePath(setting(config, "value_template", "val_tpl"));
  if (path === undefined) return "its value template is not of the simple form";
  const channel = channelOf(kind, name, config);
  return { entity, quantity, unit, scale: 1, path, ...(channel !== undefined && { channel }) };
}

/** Home Assistant's spelling of units. */
const UNITS: Readonly<Record<string, string>> = {
  L: "l",
  "L/min": "l/min",
  "μS/cm": "µS/cm",
  VAR: "var",
  C: "°C",
  F: "°F",
};

function unitOfConfig(unit: string | undefined, kind: string | undefined): string | undefined {
  if (unit === undefined || unit === "") return kind === "power_factor" ? "1" : undefined;
  return kind === "moisture" && unit === "%" ? "%VWC" : (UNITS[unit] ?? unit);
}

/** Device classes that mean one quantity whatever the entity is called. */
const PLAIN: Readonly<Record<string, Quantity>> = {
  power: "activePower",
  reactive_power: "reactivePower",
  apparent_power: "apparentPower",
  voltage: "voltage",
  current: "current",
  frequency: "frequency",
  power_factor: "powerFactor",
  battery: "stateOfCharge",
  humidity: "relativeHumidity",
  atmospheric_pressure: "atmosphericPressure",
  irradiance: "solarIrradiance",
  wind_speed: "windSpeed",
  wind_direction: "windDirection",
  moisture: "soilMoisture",
  conductivity: "soilConductivity",
  illuminance: "illuminance",
  volume_flow_rate: "waterFlow",
};

/** Sums that begin again each day or hour are no counters of the whole. */
const PERIODIC = /today|daily|yesterday|hour|week|month|year|yieldday|_day|day_/;

function quantityOf(kind: string, name: string, stateClass: string | undefined): Quantity | undefined {
  const isCounter = (stateClass === "total_increasing" || stateClass === "total") && !PERIODIC.test(name);
  switch (kind) {
    case "temperature":
      if (name.includes("soil")) return "soilTemperature";
      return /device|chip|internal|cpu|inverter|esp/.test(name) ? "deviceTemperature" : "airTemperature";
    case "humidity":
      return name.includes("soil") ? undefined : PLAIN["humidity"];
    case "energy":
      if (!isCounter) return undefined;
      return /export|return|produced|feed|yield|generat/.test(name)
        ? "activeEnergyExport"
        : "activeEnergyImport";
    case "water":
      return isCounter ? "waterVolume" : undefined;
    default:
      return Object.hasOwn(PLAIN, kind) ? PLAIN[kind] : undefined;
  }
}

/** An entity that is called like its class is the device as a whole; any other is a channel of that name. */
function channelOf(kind: string, name: string, config: unknown): string | undefined {
  if (kind === "battery") return "battery";
  const node = textAt(config, "device", "name")?.toLowerCase().replace(/\W+/g, "_");
  const own = node !== undefined && name.startsWith(`${node}_`) ? name.slice(node.length + 1) : name;
  return WHOLE.has(own) || own === kind ? undefined : own.replace(/[^a-z0-9_-]/g, "-").slice(0, 40);
}

const WHOLE = new Set([
  "energy_total",
  "total_energy",
  "produced_energy",
  "energy_export",
  "energy_returned",
  "active_power",
  "soil_temperature",
  "soil_moisture",
  "soil_conductivity",
  "device_temperature",
  "pressure",
]);
