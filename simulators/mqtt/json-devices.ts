import { toIso, type Instant } from "../../domain/model/index.ts";
import { cbor, type CborValue } from "./cbor.ts";
import type { Measured } from "../lorawan/payloads.ts";
import type { Message } from "./plugs.ts";

/** Devices whose messages are JSON or plain numbers, as their makers describe them; what is not measured is left out. */
type Encoder = (measured: Measured, time: Instant) => Message[];

export const JSON_FAKES = (): readonly string[] => Object.keys(ENCODERS);

/** The messages of a device by the id of its device file, and a form after a colon; undefined where there is no fake of it here. */
export const jsonMessages = (device: string, measured: Measured, time: Instant): Message[] | undefined =>
  ENCODERS[device]?.(measured, time);

const json = (subtopic: string, value: unknown): Message => ({
  subtopic,
  payload: Buffer.from(JSON.stringify(value)),
});
const times = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : Number((value * factor).toFixed(6));

/** Telemetry of the Tasmota documentation, "Energy Monitoring". */
const tasmota: Encoder = (measured, time) => [
  json("SENSOR", {
    Time: toIso(time).slice(0, 19),
    ENERGY: {
      TotalStartTime: "2025-01-01T00:00:00",
      Total: times(measured("activeEnergyImport"), 0.001),
      Power: measured("activePower"),
      ApparentPower: measured("apparentPower"),
      ReactivePower: measured("reactivePower"),
      Factor: measured("powerFactor"),
      Frequency: measured("frequency"),
      Voltage: measured("voltage"),
      Current: measured("current"),
    },
  }),
];

/** Status of a Switch component, Shelly API documentation, generation 2. */
const shelly: Encoder = (measured, time) => [
  json("status/switch:0", {
    id: 0,
    source: "timer",
    output: true,
    apower: measured("activePower"),
    voltage: measured("voltage"),
    current: measured("current"),
    pf: measured("powerFactor"),
    freq: measured("frequency"),
    aenergy: { total: measured("activeEnergyImport"), minute_ts: Math.floor(time / 1_000) },
    temperature: { tC: measured("deviceTemperature") },
  }),
];

/** An EM of generation 1: a topic a number, watt-hours ("Shelly EM", MQTT, shelly-api-docs.shelly.cloud/gen1). */
const shellyGen1: Encoder = (measured) =>
  (
    [
      ["power", "activePower"],
      ["reactive_power", "reactivePower"],
      ["voltage", "voltage"],
      ["current", "current"],
      ["pf", "powerFactor"],
      ["total", "activeEnergyImport"],
      ["total_returned", "activeEnergyExport"],
    ] as const
  ).flatMap(([field, target]) => {
    const value = times(measured(target), 1);
    return value === undefined
      ? []
      : [{ subtopic: `emeter/0/${field}`, payload: Buffer.from(String(value)) }];
  });

/** Names of Home Assistant's device classes and the units that a config may give them. */
const ENTITIES = [
  ["power", "activePower", "W", 1],
  ["voltage", "voltage", "V", 1],
  ["current", "current", "A", 1],
  ["energy", "activeEnergyImport", "kWh", 0.001],
  ["temperature", "airTemperature", "°C", 1],
] as const;

/** Below it stands one state for all entities, after a config of each ("MQTT Discovery"). */
const ENTITY_STATE = "state";

/** The messages of an announcing device; its configs hold whole topics, so it must know its own. */
export const discoveryMessages = (topic: string, measured: Measured): Message[] => [
  ...ENTITIES.map(([name, , unit]) =>
    json(`sensor/fake/${name}/config`, {
      name,
      device_class: name,
      state_class: name === "energy" ? "total_increasing" : "measurement",
      state_topic: `${topic}/${ENTITY_STATE}`,
      unit_of_measurement: unit,
      unique_id: `fake_${name}`,
      value_template: `{{ value_json.${name} }}`,
    }),
  ),
  json(
    ENTITY_STATE,
    Object.fromEntries(ENTITIES.map(([name, target, , factor]) => [name, times(measured(target), factor)])),
  ),
];

/** Names, and units of RFC 8428, 12.1. */
const RECORDS = [
  ["airTemperature", "Cel"],
  ["relativeHumidity", "%RH"],
  ["windSpeed", "m/s"],
  ["solarIrradiance", "W/m2"],
  ["rainfall", "mm"],
] as const;

const senml =
  (subtopic: string): Encoder =>
  (measured, time) => {
    const records = RECORDS.flatMap(([n, u]) => {
      const v = measured(n);
      return v === undefined ? [] : [{ n, u, v }];
    });
    const [first, ...others] = records;
    return [json(subtopic, first ? [{ bn: "fake/", bt: time / 1_000, ...first }, ...others] : [])];
  };

/** RFC 8428, table 6: the labels of a record in CBOR. */
const LABELS = { bn: -2, bt: -3, n: 0, u: 1, v: 2 } as const;

const senmlCbor: Encoder = (measured, time) => {
  const records = RECORDS.flatMap(([name, unit]) => {
    const value = measured(name);
    return value === undefined
      ? []
      : [
          new Map<number, CborValue>([
            [LABELS.n, name],
            [LABELS.u, unit],
            [LABELS.v, value],
          ]),
        ];
  });
  const base = new Map<number, CborValue>([
    [LABELS.bn, "fake/"],
    [LABELS.bt, time / 1_000],
  ]);
  const [first, ...others] = records;
  const pack = first ? [new Map([...base, ...first]), ...others] : [];
  return [{ subtopic: "pack", payload: cbor(pack) }];
};

/** ChirpStack's `object`, as a codec of the network server fills it. */
const chirpstackObject: Encoder = (measured, time) => [
  json("event/up", {
    deduplicationId: `3ac7e3c4-4401-4b8d-9386-${time.toString(16).padStart(12, "0")}`,
    time: toIso(time).replace("Z", "+00:00"),
    deviceInfo: { deviceName: "fake", devEui: "24e124126a147036" },
    fCnt: Math.floor(time / 1_000) % 65_536,
    fPort: 85,
    object: {
      temperature: measured("airTemperature"),
      humidity: measured("relativeHumidity"),
      battery: measured("stateOfCharge.battery"),
    },
  }),
];

/** The Things Stack's normalized payload: moisture in per cent, conductivity in dS/m. */
const ttsPayload: Encoder = (measured, time) => [
  json("up", {
    end_device_ids: { device_id: "fake" },
    received_at: toIso(time),
    uplink_message: {
      session_key_id: "AYk=",
      f_port: 2,
      f_cnt: Math.floor(time / 1_000) % 65_536,
      normalized_payload: [
        {
          battery: measured("voltage.battery"),
          air: { temperature: measured("airTemperature"), relativeHumidity: measured("relativeHumidity") },
          soil: {
            moisture: times(measured("soilMoisture"), 100),
            temperature: measured("soilTemperature"),
            ec: times(measured("soilConductivity"), 0.001),
          },
        },
      ],
      received_at: toIso(time),
    },
  }),
];

/** lumapu/ahoy, src/publisher/pubMqtt.h: a number on each topic. */
const ahoy: Encoder = (measured) =>
  (
    [
      ["P_AC", "activePower", 1],
      ["U_AC", "voltage", 1],
      ["I_AC", "current", 1],
      ["F_AC", "frequency", 1],
      ["PF_AC", "powerFactor", 1],
      ["Q_AC", "reactivePower", 1],
      ["Temp", "deviceTemperature", 1],
      ["YieldTotal", "activeEnergyExport", 0.001],
    ] as const
  ).flatMap(([field, target, factor]) => {
    const value = times(measured(target), factor);
    return value === undefined ? [] : [{ subtopic: `ch0/${field}`, payload: Buffer.from(String(value)) }];
  });

const ENCODERS: Readonly<Record<string, Encoder>> = {
  "tasmota-energy": tasmota,
  "shelly-energy": shelly,
  "shelly-energy:gen1": shellyGen1,
  "ahoydtu-inverter": ahoy,
  "senml-pack": senml("pack"),
  "senml-pack:cbor": senmlCbor,
  "fieldwatt-weather-station": senml("senml"),
  "chirpstack-object": chirpstackObject,
  "tts-payload": ttsPayload,
};
