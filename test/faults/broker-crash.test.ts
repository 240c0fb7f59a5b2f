import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { describe, expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { RestartingBroker, type BrokerMessage } from "../../platform/broker.ts";
import { openLog } from "../../platform/log.ts";

const METERS = 5;
const CRASHES = 3;

/** Publishes 0, 1, 2 … with QoS 1, twenty under way at a time; remembers each that was acknowledged. */
function keepPublishing(client: MqttClient, topic: string, acknowledged: Set<string>): () => Promise<void> {
  let stopped = false;
  let next = 0;
  const one = async (): Promise<void> => {
    while (!stopped) {
      const value = next++;
      try {
        await client.publishAsync(topic, String(value), { qos: 1 });
        acknowledged.add(`${topic} ${value}`);
      } catch (error) {
        // What mqtt.js was about to send again when the line broke once more; it was promised to nobody.
        if (!String(error).includes("Connection closed")) throw error;
      }
    }
  };
  const all = Promise.all(Array.from({ length: 20 }, one));
  return async () => {
    stopped = true;
    await all;
  };
}

describe("the broker's thread", () => {
  it("dies under load again and again; its port, its clients and every acknowledged reading come back", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
    const acknowledged = new Set<string>();
    {
      await using store = await openRecord({ path: join(folder, "record.sqlite") });
      const take = async ({ user, payload }: BrokerMessage): Promise<void> => {
        const value = Number(Buffer.from(payload).toString());
        await store.append([
          { stream: streamId(deviceId(user), "activePower"), time: instant(value), value, quality: "ok" },
        ]);
      };
      const lines: string[] = [];
      await using broker = new RestartingBroker({
        host: "127.0.0.1",
        port: 0,
        authenticate: (user) => user,
        mayPublish: () => true,
        maySubscribe: () => true,
        onMessage: take,
        log: openLog("test", { write: (line) => void lines.push(line) }),
      });
      await broker.start();
      const { port } = broker;
      const meters = Array.from({ length: METERS }, (_, i) => `meter-${i}`);
      const clients = await Promise.all(
        meters.map((username) =>
          connectAsync(`mqtt://127.0.0.1:${port}`, { username, password: "x", reconnectPeriod: 50 }),
        ),
      );
      for (const client of clients) client.on("error", () => undefined);
      const ends = clients.map((client, i) =>
        keepPublishing(client, `${meters[i]}/activePower`, acknowledged),
      );
      for (let crash = 1; crash <= CRASHES; crash++) {
        const before = acknowledged.size;
        await expect.poll(() => acknowledged.size).toBeGreaterThan(before + 100);
        await broker.crash();
        await expect
          .poll(() => broker.state(), { timeout: 15_000 })
          .toMatchObject({ up: true, restarts: crash });
        await expect.poll(() => broker.connectedUsers(), { timeout: 15_000 }).toEqual(meters);
      }
      expect(broker.port).toBe(port);
      await Promise.all(ends.map((end) => end()));
      for (const client of clients) await client.endAsync(true);
      expect(lines.filter((line) => line.includes("its thread died"))).toHaveLength(CRASHES);

      const all = store.readings.byStream({ from: instant(0), to: instant(9e12) });
      const kept = [...all.values()].flat().map(({ stream, value }) => `${stream} ${Math.trunc(value)}`);
      expect(acknowledged.difference(new Set(kept)).size).toBe(0);
    }
    await rm(folder, { recursive: true });
  });

  it("is not started again after the broker has closed", async () => {
    const lines: string[] = [];
    const broker = new RestartingBroker({
      host: "127.0.0.1",
      port: 0,
      authenticate: (user) => user,
      mayPublish: () => true,
      maySubscribe: () => true,
      onMessage: () => Promise.resolve(),
      log: openLog("test", { write: (line) => void lines.push(line) }),
    });
    await broker.start();
    await broker[Symbol.asyncDispose]();
    expect(broker.state().up).toBe(false);
    await expect(broker.publish("a", Buffer.from("b"))).rejects.toMatchObject({ code: "BROKER_FAILED" });
    expect(lines).toEqual([]);
  });
});
