import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect as openSocket } from "node:net";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import {
  openBroker,
  type RestartingBroker,
  type Broker,
  type BrokerMessage,
  type BrokerOptions,
} from "./broker.ts";
import { openLog } from "./log.ts";

const lines: string[] = [];
const log = openLog("test", { write: (line) => void lines.push(line) }, "debug");
const opened: AsyncDisposable[] = [];
const clients: MqttClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  for (const broker of opened.splice(0).reverse()) await broker[Symbol.asyncDispose]();
  lines.length = 0;
});

/** A village with one meter, who may publish below `meter/`, and an operator, who may read all. */
async function open(
  changes: Partial<BrokerOptions> = {},
): Promise<{ broker: Broker; messages: BrokerMessage[] }> {
  const messages: BrokerMessage[] = [];
  const passwords: Record<string, string> = { meter: "kilowatt", operator: "sunshine" };
  const broker = await openBroker({
    host: "127.0.0.1",
    port: 0,
    authenticate: (user, password) => (passwords[user] === password ? user : undefined),
    mayPublish: (user, topic) => topic.startsWith(`${user}/`),
    maySubscribe: (user) => user === "operator",
    onMessage: async (message) =>
      void messages.push({ ...message, payload: Uint8Array.from(message.payload) }),
    log,
    ...changes,
  });
  opened.push(broker);
  return { broker, messages };
}

async function connect(broker: Broker, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
    username: "meter",
    password: "kilowatt",
    reconnectPeriod: 0,
    ...options,
  });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

const closed = (client: MqttClient): Promise<unknown> =>
  new Promise((resolve) => client.once("close", () => resolve(undefined)));
const firstMessage = (client: MqttClient): Promise<string> =>
  new Promise((resolve) => client.once("message", (_topic, payload) => resolve(payload.toString())));

const asOperator = { username: "operator", password: "sunshine" };
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe("signing in", () => {
  it.each([
    ["a wrong password", { username: "meter", password: "wrong" }],
    ["an unknown user", { username: "stranger", password: "kilowatt" }],
    ["nobody", {}],
    ["an empty user", { username: "", password: "kilowatt" }],
    ["a user without a password", { username: "meter" }],
    ["an empty password", { username: "meter", password: "" }],
  ])("refuses %s with CONNACK 4 or 5", async (_, credentials) => {
    const { broker } = await open();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const refused = connectAsync(url, { reconnectPeriod: 0, ...credentials }, false);
    await expect(refused).rejects.toMatchObject({ code: expect.toBeOneOf([4, 5]) });
    expect(broker.connectedUsers()).toEqual([]);
  });

  it("refuses everybody when the check itself fails, and says so", async () => {
    const { broker } = await open({ authenticate: () => Promise.reject(new Error("the disk is gone")) });
    await expect(connect(broker)).rejects.toMatchObject({ code: 4 });
    expect(lines.join("")).toContain("the disk is gone");
  });

  it("keeps passwords out of the log", async () => {
    const { broker } = await open();
    await connect(broker);
    await expect(connect(broker, { password: "typo-of-a-secret" })).rejects.toThrow();
    expect(lines.join("")).not.toMatch(/kilowatt|typo-of-a-secret/);
  });

  it("knows who is connected", async () => {
    const { broker } = await open();
    const meter = await connect(broker);
    await connect(broker, asOperator);
    await expect.poll(() => broker.connectedUsers()).toEqual(["meter", "operator"]);
    const first = broker.session("meter");
    await meter.endAsync();
    await expect.poll(() => broker.connectedUsers()).toEqual(["operator"]);
    expect([first, broker.session("meter")]).toEqual([1, undefined]);
  });

  it("counts the sign-ins of a user, also of one whose connection was cut without a word", async () => {
    const { broker } = await open();
    await connect(broker, { clientId: "plug" });
    await expect.poll(() => broker.session("meter")).toBe(1);
    await connect(broker, { clientId: "plug" });
    await expect.poll(() => broker.session("meter")).toBe(2);
  });

  it("lets two devices of one client id both stay, and names them", async () => {
    const { broker } = await open();
    const meter = await connect(broker, { clientId: "same" });
    const operator = await connect(broker, { clientId: "same", ...asOperator });
    await expect.poll(() => lines.join("")).toContain("2 devices use the client id same: meter and operator");
    expect(broker.state().sharedClientIds).toEqual([{ clientId: "same", users: ["meter", "operator"] }]);
    expect([meter.connected, operator.connected]).toEqual([true, true]);
    expect(broker.connectedUsers()).toEqual(["meter", "operator"]);
  });

  it("lets a device that comes back in, but not two in turn for ever", async () => {
    const { broker } = await open();
    const same = { clientId: "same" };
    // Four connections of one device: the first, and three that take over within the minute.
    for (let i = 0; i < 4; i++) await connect(broker, same);
    await expect(connect(broker, same)).rejects.toMatchObject({ code: 3 });
    expect(clients.at(-1)?.connected).toBe(true);
    await expect.poll(() => lines.join("")).toContain("two devices use one user and client id");
  });

  it("refuses one connection too many of a user", async () => {
    const { broker } = await open();
    for (let i = 0; i < 10; i++) await connect(broker);
    await expect(connect(broker)).rejects.toMatchObject({ code: 3 });
    await connect(broker, asOperator);
  });
});

describe("a message", () => {
  it.each([1, 2] as const)("of QoS %i is acknowledged only after the program has taken it", async (qos) => {
    const gate = Promise.withResolvers<undefined>();
    const reached = Promise.withResolvers<undefined>();
    const { broker } = await open({
      onMessage: () => {
        reached.resolve(undefined);
        return gate.promise;
      },
    });
    const meter = await connect(broker);
    let acknowledged = false;
    const published = meter.publishAsync("meter/power", "1200", { qos }).then(() => (acknowledged = true));
    await reached.promise;
    await turn();
    expect(acknowledged).toBe(false);
    gate.resolve(undefined);
    await published;
    expect(acknowledged).toBe(true);
  });

  it("that the program cannot take is not acknowledged, ends the connection, and comes again", async () => {
    let full = true;
    const taken: string[] = [];
    const { broker } = await open({
      onMessage: async ({ payload }) => {
        if (full) throw new Error("the disk is full");
        taken.push(Buffer.from(payload).toString());
      },
    });
    const meter = await connect(broker, { reconnectPeriod: 10 });
    const acks: number[] = [];
    meter.on("packetreceive", (packet) => void (packet.cmd === "puback" && acks.push(packet.messageId ?? 0)));
    const published = meter.publishAsync("meter/power", "1200", { qos: 1 });
    await closed(meter);
    expect(acks).toEqual([]);
    full = false;
    await published;
    expect(taken).toEqual(["1200"]);
  });

  it("of QoS 0 reaches the program too, with its user", async () => {
    const { broker, messages } = await open();
    const meter = await connect(broker);
    await meter.publishAsync("meter/power", "7", { qos: 0 });
    await expect.poll(() => messages).toHaveLength(1);
    expect(messages[0]).toEqual({
      user: "meter",
      topic: "meter/power",
      payload: Uint8Array.from(Buffer.from("7")),
      qos: 0,
      retain: false,
    });
  });

  it.each(["operator/power", "$SYS/power"])(
    "to the forbidden topic %s ends the connection",
    async (topic) => {
      const { broker, messages } = await open({ maySubscribe: () => true });
      const meter = await connect(broker);
      void meter.publishAsync(topic, "1", { qos: 1 }).catch(() => undefined);
      await closed(meter);
      expect(messages).toEqual([]);
    },
  );

  it("reaches subscribers, and is not kept for later ones", async () => {
    const { broker, messages } = await open();
    const [meter, operator] = [await connect(broker), await connect(broker, asOperator)];
    await operator.subscribeAsync("#", { qos: 1 });
    const received = firstMessage(operator);
    await meter.publishAsync("meter/power", "1200", { qos: 1, retain: true });
    expect(await received).toBe("1200");
    expect(messages[0]?.retain).toBe(true);
    const late = await connect(broker, asOperator);
    const heard: string[] = [];
    late.on("message", (topic) => void heard.push(topic));
    await late.subscribeAsync("#");
    await broker.publish("marker", Buffer.from("x"));
    await expect.poll(() => heard).toEqual(["marker"]);
  });

  it("that the program retains reaches later subscribers, also of a new thread, until it is taken back", async () => {
    const { broker } = await open();
    for (let i = 0; i < 500; i++) await broker.publish(`notice/${i}`, Buffer.from(`${i}`), { retain: true });
    await broker.publish("notice/0", Buffer.alloc(0), { retain: true });
    await (broker as RestartingBroker).crash();
    await expect.poll(() => broker.state()).toMatchObject({ up: true, restarts: 1 });
    const late = await connect(broker, asOperator);
    const heard: string[] = [];
    late.on("message", (topic, payload, { retain }) => void heard.push(`${topic} ${payload} ${retain}`));
    await late.subscribeAsync("notice/+", { qos: 1 });
    await expect.poll(() => heard.length).toBe(499);
    expect(heard[0]).toBe("notice/1 1 true");
  });

  it("of the program itself reaches subscribers and does not come back", async () => {
    const { broker, messages } = await open();
    const operator = await connect(broker, asOperator);
    await operator.subscribeAsync("advice/#", { qos: 1 });
    const received = firstMessage(operator);
    await broker.publish("advice/today", Buffer.from("irrigate"));
    expect(await received).toBe("irrigate");
    expect(messages).toEqual([]);
  });

  it("is not shown to who may not subscribe", async () => {
    const { broker } = await open();
    const meter = await connect(broker);
    await expect(meter.subscribeAsync("#")).rejects.toThrow();
  });
});

describe("a connection", () => {
  it("with a packet of 1 MB ends, and no other does", async () => {
    const { broker, messages } = await open();
    const [loud, calm] = [await connect(broker), await connect(broker, { clientId: "calm" })];
    void loud.publishAsync("meter/power", Buffer.alloc(1024 * 1024), { qos: 1 }).catch(() => undefined);
    await closed(loud);
    await calm.publishAsync("meter/power", "1", { qos: 1 });
    expect(messages.map(({ payload }) => payload.length)).toEqual([1]);
  });

  it.each([
    ["PUBLISH before CONNECT", "3005000161", "62"],
    ["something that is not MQTT", "474554202f20485454502f312e310d0a", ""],
    ["a CONNECT that announces 200 MB", "10808080 60".replace(" ", ""), ""],
  ])("that begins with %s is closed", async (_, first, rest) => {
    const { broker } = await open();
    const socket = openSocket(broker.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(Buffer.from(first + rest, "hex"));
    await once(socket, "close");
    await connect(broker);
  });

  it("full of noise harms nobody else", async () => {
    const { broker, messages } = await open();
    const meter = await connect(broker);
    const connectPacket = Buffer.from(
      "101a00044d51545404c2003c0000" + "00056d65746572" + "00086b696c6f77617474",
      "hex",
    );
    connectPacket[1] = connectPacket.length - 2;
    // A linear congruential generator (Numerical Recipes) with a fixed seed: the same noise every time.
    let state = 20_260_615;
    const byte = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
    for (let round = 0; round < 300; round++) {
      const socket = openSocket(broker.port, "127.0.0.1");
      socket.on("error", () => undefined);
      const length = byte() % 64;
      const noise = Buffer.from([byte(), length, ...Array.from({ length }, byte)]);
      socket.end(Buffer.concat([connectPacket, noise]));
      socket.resume();
      await once(socket, "close");
    }
    await meter.publishAsync("meter/power", "still here", { qos: 1 });
    expect(messages.at(-1)?.topic).toBe("meter/power");
  });
});

it("says which port is busy", async () => {
  const { broker } = await open();
  await expect(open({ port: broker.port })).rejects.toMatchObject({
    code: "PORT_BUSY",
    message: expect.stringContaining(`127.0.0.1:${broker.port}`),
  });
});

const noMosquitto = spawnSync("mosquitto_pub", ["--help"]).error !== undefined;
if (noMosquitto && process.env["CI"])
  throw new Error("mosquitto clients are missing: apt-get install mosquitto-clients");

describe.skipIf(noMosquitto)("Debian's mosquitto clients (apt-get install mosquitto-clients)", () => {
  const run = async (
    command: string,
    broker: Broker,
    args: string[],
  ): Promise<{ code: number; output: string }> => {
    const child = spawn(command, ["-h", "127.0.0.1", "-p", String(broker.port), ...args]);
    let output = "";
    child.stdout.on("data", (text) => (output += String(text)));
    child.stderr.on("data", (text) => (output += String(text)));
    const [code] = await once(child, "close");
    return { code: Number(code), output };
  };

  it.each([0, 1, 2])("publish and subscribe with QoS %i", async (qos) => {
    const { broker, messages } = await open();
    const { username, password } = asOperator;
    const heard = run("mosquitto_sub", broker, [
      "-u",
      username,
      "-P",
      password,
      "-t",
      "meter/#",
      "-v",
      "-C",
      "1",
      "-q",
      String(qos),
      "-W",
      "10",
    ]);
    await expect.poll(() => broker.connectedUsers()).toEqual(["operator"]);
    await turn();
    const sent = await run("mosquitto_pub", broker, [
      "-u",
      "meter",
      "-P",
      "kilowatt",
      "-t",
      "meter/power",
      "-m",
      "1200",
      "-q",
      String(qos),
    ]);
    expect(sent).toEqual({ code: 0, output: "" });
    expect(await heard).toEqual({ code: 0, output: "meter/power 1200\n" });
    expect(messages.map((message) => message.qos)).toEqual([qos]);
  });

  it.each([
    ["a wrong password", ["-u", "meter", "-P", "wrong"]],
    ["nobody", []],
  ])("are refused: %s", async (_, credentials) => {
    const { broker } = await open();
    const sent = await run("mosquitto_pub", broker, [
      ...credentials,
      "-t",
      "meter/power",
      "-m",
      "1",
      "-q",
      "1",
    ]);
    // CONNACK 4 or 5 is mosquitto_pub's exit code.
    expect([4, 5]).toContain(sent.code);
  });
});
