import { createServer, type AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { Aedes, type Client } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "../../platform/log.ts";
import { openPublisher, QUEUE_MESSAGES_MAX } from "./publisher.ts";

const log = openLog("test", new Writable({ write: (_chunk, _encoding, done) => done() }));
const options = { user: "plug-1", password: "secret", log };

describe("a publisher, on a real broker", () => {
  let broker: Aedes;
  let close: () => Promise<void>;
  let url = "";
  const clients: Client[] = [];
  beforeEach(async () => {
    broker = await Aedes.createBroker();
    broker.on("client", (client) => void clients.push(client));
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () => new Promise((resolve) => broker.close(() => server.close(() => resolve())));
  });
  afterEach(() => close());

  it("signs in with its name and password, and sends in order with QoS 1", async () => {
    const seen: string[] = [];
    broker.authenticate = (client, user, password, done) =>
      done(null, client.id === "plug-1" && user === "plug-1" && password?.toString() === "secret");
    broker.authorizePublish = (_client, packet, done) => {
      seen.push(`${packet.topic} ${packet.payload.toString()} ${packet.qos}`);
      done(null);
    };
    await using publisher = openPublisher({ ...options, url });
    const sent = await Promise.all(["1", "2", "3"].map((text) => publisher.send("t", Buffer.from(text))));
    expect(sent).toEqual([true, true, true]);
    expect(seen).toEqual(["t 1 1", "t 2 1", "t 3 1"]);
  });

  it("sends again what was not acknowledged", async () => {
    let attempts = 0;
    broker.authorizePublish = (_client, _packet, done) => {
      // aedes closes the connection without a PUBACK.
      attempts++;
      done(attempts === 1 ? new Error("the disk is full") : null);
    };
    await using publisher = openPublisher({ ...options, url });
    expect(await publisher.send("t", Buffer.from("1"))).toBe(true);
    expect(attempts).toBe(2);
  });

  it("hears its topic and no other, also after a break of the line", async () => {
    const heard: string[] = [];
    let subscriptions = 0;
    broker.on("subscribe", () => (subscriptions += 1));
    const tell = (topic: string, text: string) =>
      new Promise<void>((resolve, reject) =>
        broker.publish(
          { cmd: "publish", topic, payload: Buffer.from(text), qos: 1, retain: false, dup: false },
          (error) => (error ? reject(error) : resolve()),
        ),
      );
    await using publisher = openPublisher({ ...options, url });
    publisher.listen("plug-1/cmnd", (payload) => void heard.push(Buffer.from(payload).toString()));
    await expect.poll(() => subscriptions).toBe(1);
    await tell("plug-2/cmnd", "OFF");
    await tell("plug-1/cmnd", "ON");
    await expect.poll(() => heard).toEqual(["ON"]);
    const gone = new Promise((resolve) => broker.once("clientDisconnect", resolve));
    for (const client of clients.splice(0)) client.close();
    await gone;
    await expect.poll(() => subscriptions).toBe(2);
    await tell("plug-1/cmnd", "OFF");
    await expect.poll(() => heard).toEqual(["ON", "OFF"]);
  });
});

describe("a publisher without a broker", () => {
  it("keeps a bounded queue and drops the oldest", async () => {
    const publisher = openPublisher({ ...options, url: "mqtt://127.0.0.1:1" });
    const fates = Array.from({ length: QUEUE_MESSAGES_MAX + 3 }, (_, i) =>
      publisher.send("t", Buffer.from(String(i))),
    );
    // The first waits at the client, so that the second and third go.
    expect(await Promise.all(fates.slice(1, 3))).toEqual([false, false]);
    await publisher[Symbol.asyncDispose]();
    expect(await Promise.all(fates)).not.toContain(true);
  });
});
