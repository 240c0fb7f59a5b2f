import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { parseDeviceFile } from "../device-file.ts";
import { bytesFromHex } from "../hex.ts";
import { deviceMemory } from "./memory.ts";
import { decodeMessage } from "./message.ts";

const definitionOf = (name: string) => {
  const file = new URL(`../devices/${name}.yaml`, import.meta.url).pathname;
  return parseDeviceFile(file, readFileSync(file, "utf8"));
};

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
/** RFC 8428, 5.1.2, in CBOR (core-wg/senml-spec ex3.gen.cbor.hex, first three records). */
const SENML_CBOR =
  "83a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c746167650161" +
  "5602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccd";
/** Made by hand from sparkplug_b.proto: voltage 230.5 with alias 1, a null, a historical soilMoisture. */
const SPARKPLUG =
  "0880d095ffbc31 12160a07766f6c74616765 1001 200a 690000000000d06c40 120d0a0763757272656e74 200a3801" +
  "12170a0c736f696c4d6f697374757265 2009 2801 65cdcccc3e 1800";

const CASES: readonly (readonly [string, string, string, Uint8Array])[] = [
  ["SenML in CBOR", "senml/pack", "senml", bytesFromHex(SENML_CBOR)],
  [
    "SenML in JSON",
    "senml/pack",
    "senml",
    text([{ bn: "a:", bt: 1.8e9, n: "voltage", u: "V", v: 1, t: -5 }]),
  ],
  ["Sparkplug B", "sparkplug/node", "spBv1.0/g/NBIRTH/n", bytesFromHex(SPARKPLUG)],
  [
    "an uplink",
    "dragino/lse01",
    "application/1/device/2/event/up",
    text({ deduplicationId: "a", fCnt: 1, fPort: 2, time: "2026-06-15T12:00:00Z", data: "zikA8QelCZtuKJA=" }),
  ],
  ["JSON", "tasmota/energy", "tele/plug/SENSOR", text({ ENERGY: { Total: 1.5, Power: [1, "2", null] } })],
  [
    "a discovery message",
    "homeassistant/discovery",
    "homeassistant/sensor/a/power/config",
    text({ stat_t: "a/s", dev_cla: "power", unit_of_meas: "W", val_tpl: "{{ value_json.p }}" }),
  ],
];

const damaged = (whole: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
      const copy = whole.slice();
      copy[at] = byte;
      return copy;
    }),
    fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
  );

describe.each(CASES)("%s", (_what, device, topic, whole) => {
  const definition = definitionOf(device);

  it("never throws, gives finite numbers and sound times, and remembers no more than it may", () => {
    const memory = deviceMemory();
    fc.assert(
      fc.property(damaged(whole), (payload) => {
        const { samples } = decodeMessage(definition, { topic, payload, now: instant(1.8e12) }, memory);
        const bounded =
          memory.uplinks.size <= 64 && memory.discovered.size <= 500 && memory.sparkplug.size <= 100;
        return (
          bounded && samples.every(({ value, time = 0 }) => isFinite(value) && Math.abs(time) <= 8.64e15)
        );
      }),
      { numRuns: 100_000, seed: 20_260_615 },
    );
  }, 120_000);
});

it("a length that promises more than the message holds costs nothing", () => {
  const senml = definitionOf("senml/pack");
  for (const hex of [
    "9bffffffffffffffff",
    "bbffffffffffffffff",
    "9f",
    "7bffffffffffffffff61",
    "81".repeat(5000),
  ]) {
    const decoded = decodeMessage(senml, { topic: "senml", payload: bytesFromHex(hex) });
    expect({
      hex: hex.slice(0, 20),
      samples: decoded.samples,
      codes: decoded.problems.map((one) => one.code),
    }).toEqual({
      hex: hex.slice(0, 20),
      samples: [],
      codes: ["malformed"],
    });
  }
});
