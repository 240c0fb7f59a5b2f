import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import type { Sample } from "../../domain/model/index.ts";
import { parseDeviceFile } from "../../drivers/device-file.ts";
import { bytesFromHex, decodeMessage, deviceMemory } from "../../drivers/index.ts";
import { targetName } from "../../drivers/value.ts";
import { openBroker } from "../../platform/broker.ts";
import { openLog } from "../../platform/log.ts";

/** Messages of dialects that are bytes, sent by a client that we did not write, through the village broker. */
const fileOf = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;
const definitionOf = (name: string) => {
  const file = fileOf(`drivers/devices/${name}.yaml`);
  return parseDeviceFile(file, readFileSync(file, "utf8"));
};
const vector = z.looseObject({ input: z.looseObject({ hex: z.string() }) });
const bytesOf = (id: string): Uint8Array =>
  bytesFromHex(vector.parse(JSON.parse(readFileSync(fileOf(`test/captures/${id}.json`), "utf8"))).input.hex);

/** mosquitto_pub with QoS 1: it ends with 0 only after the PUBACK. */
async function publish(port: number, topic: string, payload: Uint8Array): Promise<void> {
  const address = ["-h", "127.0.0.1", "-p", String(port), "-u", "node", "-P", "kilowatt"];
  const child = spawn("mosquitto_pub", [...address, "-q", "1", "-t", topic, "-s"]);
  child.stdin.end(payload);
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
}

it.each([
  ["SenML in CBOR", "senml/pack", "node/senml", bytesOf("senml-ex3-cbor"), { voltage: 120.1, current: 1.7 }],
  [
    "an uplink of ChirpStack with bytes of vendor/dragino/lse01-codec.yaml",
    "dragino/lse01",
    "node/application/1/device/2/event/up",
    Buffer.from(JSON.stringify({ deduplicationId: "a", fCnt: 1, fPort: 2, data: "zikA8QelCZtuKJA=" })),
    { soilMoisture: 0.1957, soilTemperature: 24.59 },
  ],
])("mosquitto_pub sends %s, and it is read whole", async (_what, device, topic, payload, expected) => {
  const [definition, memory] = [definitionOf(device), deviceMemory()];
  const samples: Sample[] = [];
  await using broker = await openBroker({
    host: "127.0.0.1",
    port: 0,
    authenticate: (user, password) => (user === "node" && password === "kilowatt" ? user : undefined),
    mayPublish: (user, to) => to.startsWith(`${user}/`),
    maySubscribe: () => false,
    onMessage: (message) => {
      const decoded = decodeMessage(
        definition,
        { topic: message.topic, payload: message.payload, base: "node" },
        memory,
      );
      samples.push(...decoded.samples);
      return Promise.resolve();
    },
    log: openLog("test", { write: () => undefined }),
  });
  await publish(broker.port, topic, payload);
  expect(Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]))).toMatchObject(
    expected,
  );
});
