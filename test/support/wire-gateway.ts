import { connectAsync, type MqttClient } from "mqtt";
import { instant } from "../../domain/model/index.ts";
import { open, seal } from "../../protocol/envelope.ts";
import {
  generateKeyPair,
  publicKeyFromText,
  publicKeyToText,
  sha256Hex,
  type KeyPair,
} from "../../protocol/keys.ts";
import { topics, type BatchBody, type Body } from "../../protocol/messages.ts";
import { HUB, MIDNIGHT } from "./hub.ts";

/** What a gateway has after its enrolment. */
export interface EnrolledGateway {
  readonly id: string;
  readonly keys: KeyPair;
  readonly password: string;
}

export interface HubAddress {
  readonly mqttPort: number;
  readonly publicKey: string;
}

export const enrolled = (id: string): EnrolledGateway => ({
  id,
  keys: generateKeyPair(),
  password: `password of ${id}`,
});

/** A hub file on free ports, with prices of 30 000 and 10 000 minor units a kWh. */
export const hubFileOf = (gateways: readonly EnrolledGateway[]): string =>
  JSON.stringify({
    id: HUB,
    name: "Test federation",
    data: "data",
    broker: { port: 0 },
    portal: { port: 0 },
    tariff: { currency: "KES", retail: 30_000, feedIn: 10_000 },
    gateways: gateways.map(({ id, keys, password }) => ({
      id,
      name: id,
      publicKey: publicKeyToText(keys.publicKey),
      passwordSha256: sha256Hex(password),
    })),
  });

/** A gateway as the protocol describes it: a client of its own, which verifies everything with the hub's key. */
export class WireGateway implements AsyncDisposable {
  private readonly enrolled: EnrolledGateway;
  readonly client: MqttClient;
  private readonly heard: Body[] = [];
  private wake: () => void = () => undefined;

  static async connect(enrolled: EnrolledGateway, hub: HubAddress): Promise<WireGateway> {
    const { id } = enrolled;
    const client = await connectAsync(`mqtt://127.0.0.1:${hub.mqttPort}`, {
      clientId: id,
      username: id,
      password: enrolled.password,
      reconnectPeriod: 0,
    });
    const gateway = new WireGateway(enrolled, client);
    const expected = { from: HUB, to: id, key: publicKeyFromText(hub.publicKey) };
    client.on("message", (_topic, bytes) => {
      gateway.heard.push(open(bytes, expected).body);
      gateway.wake();
    });
    await client.subscribeAsync(topics.down(id), { qos: 1 });
    return gateway;
  }

  private constructor(enrolled: EnrolledGateway, client: MqttClient) {
    this.enrolled = enrolled;
    this.client = client;
  }

  /** Resolves when the hub's broker has acknowledged the message. */
  async send(body: BatchBody, key = this.enrolled.keys.privateKey): Promise<void> {
    const { id } = this.enrolled;
    const bytes = seal(body, { from: id, to: HUB, sent: instant(MIDNIGHT), key });
    await this.client.publishAsync(topics.up(id), bytes, { qos: 1 });
  }

  /** The next message of a kind; earlier ones of other kinds stay for later. */
  async next<Kind extends Body["kind"]>(kind: Kind): Promise<Extract<Body, { kind: Kind }>> {
    for (;;) {
      const at = this.heard.findIndex((body) => body.kind === kind);
      if (at >= 0) return this.heard.splice(at, 1)[0] as Extract<Body, { kind: Kind }>;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async exchange(body: BatchBody) {
    await this.send(body);
    return this.next("receipt");
  }

  async [Symbol.asyncDispose]() {
    await this.client.endAsync(true);
  }
}
