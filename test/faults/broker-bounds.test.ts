import { once } from "node:events";
import { connect as openSocket, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { describe, expect, it } from "vitest";
import { startGateway, writeSite } from "../../bench/support/gateway.ts";
import { IN_HAND_MAX } from "../../platform/broker/guard.ts";
import {
  openBrokerUnderTest,
  packet,
  publishPacket,
  pubrelPacket,
  subscribePacket,
  text,
} from "./broker-kit.ts";

const topicOf = (levels: number): string => new Array<string>(levels).fill("a").join("/");

/** Collects what the broker sends on a raw connection. */
function collect(socket: Socket): () => Buffer {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
}

const closing = (client: MqttClient): Promise<unknown> =>
  new Promise((resolve) => client.once("close", () => resolve(undefined)));

const PUBREC = "50020001";
const PUBCOMP = "70020001";
const PUBACK_BYTES = 4;

describe("the broker bounds", () => {
  it("the depth of topics: twelve levels are taken, thirteen end the connection", async () => {
    const topics: string[] = [];
    await using kit = await openBrokerUnderTest({ onMessage: async ({ topic }) => void topics.push(topic) });
    const [deep, healthy] = [await kit.client(), await kit.client()];
    await deep.publishAsync(topicOf(12), "1", { qos: 1 });
    const closed = closing(deep);
    void deep.publishAsync(topicOf(13), "1", { qos: 1 }).catch(() => undefined);
    await closed;
    await healthy.publishAsync("still/here", "1", { qos: 1 });
    expect(topics).toEqual([topicOf(12), "still/here"]);
  });

  it("subscriptions by the same depth, and by number", async () => {
    await using kit = await openBrokerUnderTest();
    const deep = await kit.client();
    const closed = closing(deep);
    void deep.subscribeAsync(topicOf(13)).catch(() => undefined);
    await closed;
    const client = await kit.client();
    const filters = Array.from({ length: 101 }, (_, i) => `a/${i}`);
    // mqtt.js rejects when one of them is refused (return code 128, section 3.9.3).
    await client.subscribeAsync(filters.slice(0, 100));
    await expect(client.subscribeAsync(filters.slice(100))).rejects.toThrow();
  });

  it("the messages of one connection that are in hand at a time, and takes the others after them", async () => {
    const all = 5_000;
    let inHand = 0;
    let most = 0;
    const release: (() => void)[] = [];
    await using kit = await openBrokerUnderTest({
      onMessage() {
        most = Math.max(most, ++inHand);
        return new Promise((resolve) => release.push(() => (inHand--, resolve())));
      },
    });
    const socket = await kit.raw();
    const received = collect(socket);
    socket.write(Buffer.concat(Array.from({ length: all }, (_, i) => publishPacket("a", "1", 1, i + 1))));
    await expect.poll(() => inHand).toBeGreaterThanOrEqual(IN_HAND_MAX);
    const free = setInterval(() => release.splice(0).forEach((one) => one()), 1);
    await expect.poll(() => received().length, { timeout: 15_000 }).toBe(all * PUBACK_BYTES);
    clearInterval(free);
    expect(most).toBeLessThanOrEqual(2 * IN_HAND_MAX);
  });

  it("what waits for a client that is away: there is no session to come back to", async () => {
    await using kit = await openBrokerUnderTest();
    const subscriber = { clientId: "away", clean: false, username: "operator" };
    const first = await kit.client(subscriber);
    await first.subscribeAsync("#", { qos: 1 });
    await first.endAsync();
    const meter = await kit.client();
    for (let i = 0; i < 500; i++) await meter.publishAsync("meter/power", String(i), { qos: 1 });
    const back = await connectAsync(`mqtt://127.0.0.1:${kit.broker.port}`, {
      ...subscriber,
      password: "right",
    });
    const heard: string[] = [];
    back.on("message", (_topic, payload) => void heard.push(payload.toString()));
    await back.subscribeAsync("marker", { qos: 1 });
    await kit.broker.publish("marker", Buffer.from("now"));
    await expect.poll(() => heard).toEqual(["now"]);
    await back.endAsync(true);
  });

  it("a session that a client asks to keep: each CONNACK says that there is none (MQTT-3.2.2-2)", async () => {
    await using kit = await openBrokerUnderTest();
    const socket = () => openSocket(kit.broker.port, "127.0.0.1");
    // Section 3.1: the flags ask for user and password, and not for a clean session.
    const connect = packet(
      0x10,
      text("MQTT"),
      Buffer.from([4, 0b1100_0000, 0, 0]),
      ...["kept", "operator", "right"].map(text),
    );
    for (let turn = 0; turn < 2; turn++) {
      const client = socket();
      client.write(connect);
      const [answer] = (await once(client, "data")) as [Buffer];
      // Section 3.2: CONNACK, two bytes; session present 0; accepted.
      expect([...answer]).toEqual([0x20, 2, 0, 0]);
      client.write(subscribePacket("#", 1));
      await once(client, "data");
      client.destroy();
      await once(client, "close");
    }
  });

  it("what waits for a subscriber that does not read, and holds nobody else up", async () => {
    await using kit = await openBrokerUnderTest();
    const slow = await kit.raw("slow");
    slow.write(subscribePacket("#", 1));
    await once(slow, "data");
    slow.pause();
    const [meter, quick] = [await kit.client(), await kit.client({ username: "quick" })];
    let heard = 0;
    quick.on("message", () => heard++);
    await quick.subscribeAsync("meter/#", { qos: 1 });
    const payload = Buffer.alloc(100_000);
    // 20 MB: more than the kernel's buffers and the broker's maximum together.
    for (let i = 0; i < 200; i++) await meter.publishAsync("meter/image", payload, { qos: 1 });
    await expect.poll(() => heard).toBe(200);
    await expect.poll(() => kit.broker.connectedUsers()).toEqual(["meter", "quick"]);
    expect(kit.lines.join("")).toContain("a subscriber reads too slowly");
    slow.destroy();
  });

  it("guesses at a password: after ten the next are not looked at, and nobody else waits", async () => {
    let checks = 0;
    await using kit = await openBrokerUnderTest({
      authenticate(user, password) {
        checks++;
        return password === "right" ? user : undefined;
      },
    });
    for (let i = 0; i < 15; i++)
      await expect(kit.client({ password: `guess ${i}` })).rejects.toMatchObject({ code: 4 });
    expect(checks).toBe(10);
    await expect(kit.client()).rejects.toMatchObject({ code: 4 });
    await kit.client({ username: "operator" });
  });
});

describe("a QoS 2 message", () => {
  it("that is sent twice is taken once, and a second PUBREL is answered as the first", async () => {
    const payloads: string[] = [];
    await using kit = await openBrokerUnderTest({
      onMessage: async ({ payload }) => void payloads.push(Buffer.from(payload).toString()),
    });
    const socket = await kit.raw();
    const received = collect(socket);
    const until = (hex: string): Promise<void> => expect.poll(() => received().toString("hex")).toBe(hex);
    socket.write(publishPacket("a", "once", 2));
    await until(PUBREC);
    socket.write(publishPacket("a", "once", 2, 1, true));
    await until(PUBREC + PUBREC);
    socket.write(Buffer.concat([pubrelPacket(1), pubrelPacket(1), pubrelPacket(1)]));
    await until(PUBREC + PUBREC + PUBCOMP + PUBCOMP + PUBCOMP);
    expect(payloads).toEqual(["once"]);
    expect(kit.broker.state()).toMatchObject({ up: true, restarts: 0 });
  });
});

describe("load and then a hang-up", () => {
  it.each([0, 1, 2] as const)("with QoS %i leaves the broker as it was", async (qos) => {
    await using kit = await openBrokerUnderTest();
    const reader = await kit.raw("reader");
    reader.write(subscribePacket("#", 1));
    reader.resume();
    const load = Buffer.concat(
      Array.from({ length: 10_000 }, (_, i) => publishPacket("a/b", "12345", qos, (i % 900) + 1)),
    );
    for (let i = 0; i < 3; i++) {
      const sockets = await Promise.all(["one", "two", "three"].map((user) => kit.raw(user)));
      for (const socket of sockets) socket.write(load, () => socket.destroy());
      await Promise.all(sockets.map((socket) => once(socket, "close")));
    }
    await (await kit.client()).publishAsync("still/here", "1", { qos: 1 });
    expect(kit.broker.state()).toMatchObject({ up: true, restarts: 0 });
  });
});

describe("the gateway's memory", () => {
  const megabytes = 250;

  it.each([
    ["before CONNECT", false],
    ["announced by CONNECT itself", true],
  ])("holds less than 10 MB of a packet of 250 MB %s", async (_, inConnect) => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
    {
      await using gateway = await startGateway(await writeSite(folder, 1), join(folder, "log"));
      const before = gateway.memory().peak;
      const socket = openSocket(gateway.brokerPort, "127.0.0.1");
      socket.on("error", () => undefined);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      // Remaining length 250 000 000 = 80 e5 9a 77 (section 2.2.3).
      socket.write(Buffer.from([inConnect ? 0x10 : 0x30, 0x80, 0xe5, 0x9a, 0x77]));
      const chunk = Buffer.alloc(1_000_000);
      for (let i = 0; i < megabytes && !socket.destroyed; i++)
        if (!socket.write(chunk))
          await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
      await closed;
      expect(gateway.memory().peak - before).toBeLessThan(10);
    }
    await rm(folder, { recursive: true });
  });
});
