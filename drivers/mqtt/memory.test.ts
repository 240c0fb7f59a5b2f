import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDeviceFile } from "../device-file.ts";
import { bytesFromHex } from "../hex.ts";
import type { Decoded } from "../driver.ts";
import { targetName } from "../value.ts";
import { deviceMemory } from "./memory.ts";
import { decodeMessage } from "./message.ts";

const definitionOf = (name: string) => {
  const file = new URL(`../devices/${name}.yaml`, import.meta.url).pathname;
  return parseDeviceFile(file, readFileSync(file, "utf8"));
};
const values = ({ samples }: Decoded) =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));
const codes = ({ problems }: Decoded) => problems.map(({ code }) => code);

/** A listener of one device: messages in their order, JSON or hex. */
function listener(device: string) {
  const [definition, memory] = [definitionOf(device), deviceMemory()];
  return {
    json: (topic: string, message: unknown) =>
      decodeMessage(definition, { topic, payload: JSON.stringify(message) }, memory),
    text: (topic: string, payload: string) => decodeMessage(definition, { topic, payload }, memory),
    hex: (topic: string, hex: string) =>
      decodeMessage(definition, { topic, payload: bytesFromHex(hex) }, memory),
  };
}

/** Made by hand from sparkplug_b.proto. The birth names alias 1 `meter/activePower`, an Int32. */
const BIRTH = "1219 0a116d657465722f616374697665506f776572 1001 2003 5064 1800";
/** The alias alone: 0xfffffc18 as an Int32 is -1000. */
const DATA = (seq: string): string => `120a 1001 2003 5098f8ffff0f 18${seq}`;
const NODE = {
  birth: "spBv1.0/coop/NBIRTH/gw",
  data: "spBv1.0/coop/NDATA/gw",
  death: "spBv1.0/coop/NDEATH/gw",
};

describe("Sparkplug B", () => {
  it("reads an alias after its birth, and Int32 as two's complement", () => {
    const node = listener("sparkplug/node");
    expect(values(node.hex(NODE.birth, BIRTH))).toEqual({ activePower: 100 });
    expect(values(node.hex(NODE.data, DATA("01")))).toEqual({ activePower: -1000 });
  });

  it("has no name for an alias without a birth", () => {
    const decoded = listener("sparkplug/node").hex(NODE.data, DATA("01"));
    expect({ values: values(decoded), codes: codes(decoded) }).toEqual({
      values: {},
      codes: ["unknownModel"],
    });
  });

  it("forgets names after a gap in the sequence, until the next birth", () => {
    const node = listener("sparkplug/node");
    node.hex(NODE.birth, BIRTH);
    expect(codes(node.hex(NODE.data, DATA("03")))).toEqual(["unexpectedReply", "unknownModel"]);
    expect(codes(node.hex(NODE.data, DATA("04")))).toEqual(["unknownModel"]);
    node.hex(NODE.birth, BIRTH);
    expect(values(node.hex(NODE.data, DATA("01")))).toEqual({ activePower: -1000 });
  });

  it("forgets names with a death", () => {
    const node = listener("sparkplug/node");
    node.hex(NODE.birth, BIRTH);
    node.text(NODE.death, "");
    expect(codes(node.hex(NODE.data, DATA("01")))).toEqual(["unknownModel"]);
  });
});

describe("Home Assistant discovery", () => {
  const base = "house/plug";
  const config = (rest: object) => ({ "~": base, stat_t: "~/state", stat_cla: "measurement", ...rest });

  it("reads states by what their config said", () => {
    const device = listener("homeassistant/discovery");
    device.json(
      "ha/sensor/plug/power/config",
      config({ dev_cla: "power", unit_of_meas: "kW", val_tpl: "{{ value_json.p }}" }),
    );
    device.json("ha/sensor/plug/energy/config", {
      state_topic: `${base}/state`,
      device_class: "energy",
      state_class: "total_increasing",
      unit_of_measurement: "kWh",
      value_template: "{{ value_json['e']['total'] | float }}",
    });
    expect(values(device.json(`${base}/state`, { p: 1.5, e: { total: 12.5 } }))).toEqual({
      activePower: 1500,
      activeEnergyImport: 12_500,
    });
    expect(values(device.json("house/other/state", { p: 1 }))).toEqual({});
  });

  it("takes an entity back with an empty config, and changes it with a second one", () => {
    const device = listener("homeassistant/discovery");
    const power = config({ dev_cla: "power", unit_of_meas: "W", val_tpl: "{{ value_json.p }}" });
    device.json("ha/sensor/plug/power/config", power);
    device.json("ha/sensor/plug/power/config", { ...power, val_tpl: "{{ value_json.q }}" });
    expect(values(device.json(`${base}/state`, { p: 1, q: 2 }))).toEqual({ activePower: 2 });
    device.text("ha/sensor/plug/power/config", "");
    expect(values(device.json(`${base}/state`, { p: 1, q: 2 }))).toEqual({});
  });

  it.each([
    ["a template that computes", { dev_cla: "power", unit_of_meas: "W", val_tpl: "{{ value_json.p * 10 }}" }],
    ["a class that the house has no quantity for", { dev_cla: "carbon_dioxide", unit_of_meas: "ppm" }],
    ["no class", { unit_of_meas: "W" }],
    ["a unit that does not fit", { dev_cla: "power", unit_of_meas: "°C" }],
    ["energy of a day", { dev_cla: "energy", unit_of_meas: "kWh", stat_cla: "measurement" }],
  ])("does not read %s", (_what, rest) => {
    const device = listener("homeassistant/discovery");
    expect(codes(device.json("ha/sensor/plug/x/config", config(rest)))).toEqual(["unknownModel"]);
    expect(values(device.json(`${base}/state`, { p: 1 }))).toEqual({});
  });

  it("says unavailable where a state is no number", () => {
    const device = listener("homeassistant/discovery");
    device.json("ha/sensor/plug/power/config", config({ dev_cla: "power", unit_of_meas: "W" }));
    const decoded = device.text(`${base}/state`, "unavailable");
    expect({ values: values(decoded), codes: codes(decoded) }).toEqual({ values: {}, codes: ["sentinel"] });
  });
});

describe("a LoRaWAN uplink", () => {
  // Bytes of TheThingsNetwork/lorawan-devices vendor/dragino/lse01-codec.yaml.
  const data = "zikA8QelCZtuKJA=";
  const soil = { soilMoisture: 0.1957, soilTemperature: 24.59, soilConductivity: 28_200 };

  it("of ChirpStack is read once, with the time of its reception", () => {
    const probe = listener("dragino/lse01");
    const up = { deduplicationId: "3ac7", time: "2026-06-15T12:00:00.25Z", fCnt: 1, fPort: 2, data };
    const first = probe.json("application/1/device/2/event/up", up);
    expect(values(first)).toMatchObject(soil);
    expect(first.samples[0]?.time).toBe(Date.UTC(2026, 5, 15, 12, 0, 0, 250));
    expect(probe.json("application/1/device/2/event/up", up).samples).toEqual([]);
    expect(
      values(probe.json("application/1/device/2/event/up", { ...up, deduplicationId: "3ac8" })),
    ).toMatchObject(soil);
  });

  it("of The Things Stack is read with fields that are left out", () => {
    const probe = listener("dragino/lse01");
    const up = { uplink_message: { session_key_id: "k", f_port: 2, frm_payload: data } };
    expect(values(probe.json("v3/farm@ttn/devices/bed-3/up", up))).toMatchObject(soil);
    const onPort0 = { uplink_message: { session_key_id: "k", f_cnt: 1, frm_payload: data } };
    expect(probe.json("v3/farm@ttn/devices/bed-3/up", onPort0)).toEqual({ samples: [], problems: [] });
  });

  it.each([
    ["base64 that is none", { fCnt: 1, fPort: 2, data: "zik*" }],
    ["no payload", { fCnt: 1, fPort: 2, object: { temperature: 1 } }],
    ["another form", { hello: 1 }],
  ])("with %s is a problem", (_what, up) => {
    const decoded = listener("dragino/lse01").json("application/1/device/2/event/up", up);
    expect({ samples: decoded.samples, codes: codes(decoded) }).toEqual({
      samples: [],
      codes: ["malformed"],
    });
  });
});
