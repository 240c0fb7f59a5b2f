import { once } from "node:events";
import { connect as openSocket, type Socket } from "node:net";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { openBroker, type Broker, type BrokerOptions } from "../../platform/broker.ts";
import { openLog } from "../../platform/log.ts";

/** A broker where everybody whose password is "right" may do everything, and clients that end with it. */
export interface BrokerUnderTest extends AsyncDisposable {
  readonly broker: Broker;
  readonly lines: readonly string[];
  client(options?: IClientOptions): Promise<MqttClient>;
  /** A connection that has sent CONNECT and got CONNACK; what follows is the test's own bytes. */
  raw(user?: string): Promise<Socket>;
}

export async function openBrokerUnderTest(changes: Partial<BrokerOptions> = {}): Promise<BrokerUnderTest> {
  const lines: string[] = [];
  const log = openLog("test", { write: (line) => void lines.push(line) }, "debug");
  const broker = await openBroker({
    host: "127.0.0.1",
    port: 0,
    authenticate: (user, password) => (password === "right" ? user : undefined),
    mayPublish: () => true,
    maySubscribe: () => true,
    onMessage: () => Promise.resolve(),
    log,
    ...changes,
  });
  const clients: MqttClient[] = [];
  return {
    broker,
    lines,
    async client(options = {}) {
      const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
        username: "meter",
        password: "right",
        reconnectPeriod: 0,
        ...options,
      });
      client.on("error", () => undefined);
      clients.push(client);
      return client;
    },
    async raw(user = "raw") {
      const socket = openSocket(broker.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(connectPacket(user, "right"));
      await once(socket, "data");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.endAsync(true);
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Packets by hand from MQTT 3.1.1: a fixed header (section 2.2), then the body. */
export function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
};

export const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

/** Section 3.1: protocol level 4; user, password and clean session; no keep alive. */
export const connectPacket = (user: string, password: string, clientId = user): Buffer =>
  packet(0x10, text("MQTT"), Buffer.from([4, 0b1100_0010, 0, 0]), text(clientId), text(user), text(password));

/** Section 3.3. */
export const publishPacket = (topic: string, payload: string, qos: 0 | 1 | 2, id = 1, dup = false): Buffer =>
  packet(
    0x30 | (qos << 1) | (dup ? 8 : 0),
    text(topic),
    ...(qos > 0 ? [uint16(id)] : []),
    Buffer.from(payload),
  );
/** Section 3.6. */
export const pubrelPacket = (id: number): Buffer => packet(0x62, uint16(id));
/** Section 3.8. */
export const subscribePacket = (filter: string, qos: 0 | 1): Buffer =>
  packet(0x82, uint16(1), text(filter), Buffer.from([qos]));
