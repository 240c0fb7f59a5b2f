import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMosquitto, type Mosquitto } from "../bench/support/mosquitto.ts";
import { scanBus } from "../cli/device-scan.ts";
import { openSource } from "../cli/probe/source.ts";
import { instant } from "../domain/model/index.ts";
import { decodeMessage, deviceMemory, loadCatalogue } from "../drivers/index.ts";
import { targetName } from "../drivers/value.ts";
import { ManualClock } from "../platform/clock.ts";
import { findSheet } from "./device/sheet.ts";
import { mqttFakes } from "./mqtt/dialects.ts";
import { openMqttTalker } from "./talkers.ts";

/** Every fake publishes to Eclipse Mosquitto; mosquitto_sub hears it, and the gateway's decoder reads what it heard. */
const runs = (...binaries: string[]): boolean =>
  binaries.some((name) => spawnSync(name, ["-h"]).error === undefined);
const isThere = runs("mosquitto_sub") && runs("mosquitto", "/usr/sbin/mosquitto");
if (!isThere && process.env["CI"])
  throw new Error("mosquitto is missing: apt-get install mosquitto mosquitto-clients");

const NOON = instant(1_781_524_800_000);
const HELD: Readonly<Record<string, number>> = {
  activePower: 151.5,
  voltage: 231,
  current: 0.75,
  activeEnergyImport: 12_340,
  airTemperature: -1.5,
  relativeHumidity: 56.5,
  soilMoisture: 0.31,
  soilTemperature: -0.5,
  soilNitrogen: 48,
  soilPhosphorus: 32,
  electricCharge: 1_200.5,
  "soilMoisture.0": 0.25,
  "soilTemperature.0": 19.25,
};
const ENOUGH = 2;
/** mosquitto_sub ends by itself before a test runs out of its time, so that none is left behind. */
const ENDS_S = "10";
const options = { seed: 1, clock: new ManualClock(NOON), periodMs: 50, set: HELD };
const catalogue = await loadCatalogue();

let folder = "";
let mosquitto: Mosquitto | undefined;
beforeAll(async () => {
  if (!isThere) return;
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-talkers-"));
  mosquitto = await startMosquitto(folder);
});
afterAll(async () => {
  await mosquitto?.[Symbol.asyncDispose]();
  if (folder !== "") await rm(folder, { recursive: true });
});
const url = (): string => `mqtt://127.0.0.1:${mosquitto?.port ?? 0}`;

/** Lines of mosquitto_sub: `topic payload-in-hex`, and with -d one when it is subscribed, which it holds back in a pipe. */
function listen(topic: string): ChildProcess {
  const args = ["-h", "127.0.0.1", "-p", String(mosquitto?.port), "-t", topic, "-t", `${topic}/#`];
  return spawn("stdbuf", ["-oL", "mosquitto_sub", ...args, "-W", ENDS_S, "-d", "-F", "%t %x"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Talks once the reader is subscribed; gives the held values that were read, when they are enough. */
async function heard(fake: string, topic: string): Promise<Record<string, number>> {
  const [device = "", form] = fake.split(":");
  const [definition, memory, values] = [catalogue.find(device), deviceMemory(), new Map<string, number>()];
  await using talkers = new AsyncDisposableStack();
  const reader = listen(topic);
  try {
    for await (const line of createInterface({ input: reader.stdout ?? process.stdin })) {
      if (line.startsWith("Subscribed"))
        talkers.use(openMqttTalker(findSheet(device), { url: url(), topic, ...(form && { form }) }, options));
      if (!line.startsWith(`${topic} `) && !line.startsWith(`${topic}/`)) continue;
      const [on = "", hex = ""] = line.split(" ");
      const message = { topic: on, payload: Buffer.from(hex, "hex"), base: topic, now: NOON };
      for (const sample of decodeMessage(definition, message, memory).samples)
        if (targetName(sample) in HELD) values.set(targetName(sample), sample.value);
      if (values.size >= ENOUGH) return Object.fromEntries(values);
    }
    throw new Error("mosquitto_sub ended");
  } finally {
    const gone = once(reader, "exit");
    reader.kill("SIGTERM");
    if (reader.exitCode === null && reader.signalCode === null) await gone;
  }
}

describe.skipIf(!isThere)(
  "fakes behind Mosquitto (skipped where mosquitto or its clients are missing)",
  () => {
    it.each(mqttFakes())("%s is heard by mosquitto_sub and read by its device file", async (device) => {
      const topic = device === "sparkplug-node" ? "spBv1.0/village" : `village/${device}`;
      const values = Object.entries(await heard(device, topic));
      expect(values.length).toBeGreaterThanOrEqual(ENOUGH);
      for (const [target, value] of values) expect([target, value]).toEqual([target, HELD[target]]);
    });

    it.each(["application/1/device/a84041000181c061", "v3/farm@ttn/devices/eui-a84041000181c061"])(
      "a LoRaWAN uplink on %s is probed as an installer does",
      async (topic) => {
        await using _talker = openMqttTalker(findSheet("dragino-lse01"), { url: url(), topic }, options);
        const connection = { kind: "mqtt", url: url(), topic } as const;
        const signal = new AbortController().signal;
        const how = { now: () => NOON, signal, timeoutMs: 4_000 };
        await using source = openSource(catalogue.find("dragino-lse01"), connection, how);
        const { samples } = await source.next();
        expect(Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]))).toMatchObject(
          {
            soilMoisture: 0.31,
            soilTemperature: -0.5,
          },
        );
      },
    );

    it("a probe remembers what a device announced", async () => {
      const topic = "village/announcing";
      const device = "homeassistant-discovery";
      await using _talker = openMqttTalker(findSheet(device), { url: url(), topic }, options);
      const how = { now: () => NOON, signal: new AbortController().signal, timeoutMs: 4_000 };
      const connection = { kind: "mqtt", url: url(), topic } as const;
      await using source = openSource(catalogue.find(device), connection, how);
      // The probe may come in the middle of an announcement; between the first state and the second is a whole one.
      await source.next();
      const { samples } = await source.next();
      expect(samples.find(({ quantity }) => quantity === "activePower")?.value).toBe(HELD["activePower"]);
    });

    it("device scan names what it hears of two of them", async () => {
      const places = { "tasmota-energy": "tele/plug-07", "shelly-energy": "shellyplus1pm-a1" };
      const open = (device: keyof typeof places) =>
        openMqttTalker(findSheet(device), { url: url(), topic: places[device] }, options);
      await using _plug = open("tasmota-energy");
      await using _relay = open("shelly-energy");
      const end = new AbortController();
      const topics = new Set(["tele/plug-07/SENSOR", "shellyplus1pm-a1/status/switch:0"]);
      const progress = (line: string): void => {
        if (/ on [2-9]\d* topics/.test(line)) end.abort();
      };
      const report = await scanBus({ kind: "mqtt", url: url() }, catalogue.all(), {
        units: [],
        rate: 1,
        listen: 1,
        context: { signal: end.signal, progress },
      });
      const named = report.found
        .filter(({ where }) => topics.has(where))
        .map(({ where, says, guesses }) => [
          where,
          says,
          guesses[0]?.device,
          guesses[0]?.values["activePower"],
        ]);
      expect(named).toEqual([
        ["shellyplus1pm-a1/status/switch:0", "Shelly", "shelly-energy", 151.5],
        ["tele/plug-07/SENSOR", "Tasmota", "tasmota-energy", 151.5],
      ]);
    });
  },
);
