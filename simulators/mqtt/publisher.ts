import mqtt, { type MqttClient } from "mqtt";
import { messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";

/**
 * The MQTT side of a device in the field: QoS 1, one message after the other, kept until the broker has acknowledged
 * it and sent again after every break of the line.
 */
export interface Publisher extends AsyncDisposable {
  /** Queues a message; resolves when the broker acknowledged it, or with false when it was dropped. */
  send(topic: string, payload: Uint8Array): Promise<boolean>;
  /** Hears what is published on one topic, as long as there is a line. */
  listen(topic: string, heard: (payload: Uint8Array) => void): void;
}

export interface PublisherOptions {
  readonly url: string;
  /** User and client id. */
  readonly user: string;
  readonly password: string;
  readonly log: Logger;
}

/** Beyond it the oldest message is dropped, as in a logger's ring. */
export const QUEUE_MESSAGES_MAX = 1_000;
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

interface Waiting {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly settle: (acknowledged: boolean) => void;
}

export function openPublisher(options: PublisherOptions): Publisher {
  const client = connect(options);
  const listen = listener(client, options);
  const waiting: Waiting[] = [];
  let inFlight: Waiting | undefined;
  let open = true;
  const next = (): void => {
    if (inFlight || !open) return;
    const message = waiting.shift();
    if (!message) return;
    inFlight = message;
    // The client itself holds this one message over reconnections, and calls back after the PUBACK.
    client.publish(message.topic, Buffer.from(message.payload), { qos: 1 }, (error) => {
      inFlight = undefined;
      message.settle(!error);
      next();
    });
  };
  return {
    send(topic, payload) {
      if (!open) return Promise.resolve(false);
      return new Promise((settle) => {
        waiting.push({ topic, payload, settle });
        if (waiting.length > QUEUE_MESSAGES_MAX) waiting.shift()?.settle(false);
        next();
      });
    },
    listen,
    async [Symbol.asyncDispose]() {
      open = false;
      inFlight?.settle(false);
      waiting.splice(0).forEach((message) => message.settle(false));
      await client.endAsync(true).catch(() => undefined);
    },
  };
}

function connect({ url, user, password, log }: PublisherOptions): MqttClient {
  const client = mqtt.connect(url, {
    clientId: user,
    username: user,
    password,
    reconnectPeriod: RECONNECT_MS,
    // What is heard is asked for again by `listener`, after every break.
    resubscribe: false,
    // A broker that is not up yet may refuse: the device tries on, as its firmware would.
    reconnectOnConnackError: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    queueQoSZero: false,
  });
  client.on("error", (error) =>
    log.debug({ device: user, error: messageOf(error) }, "the broker does not take us yet"),
  );
  return client;
}

function listener(client: MqttClient, { user, log }: PublisherOptions): Publisher["listen"] {
  const listeners = new Map<string, (payload: Uint8Array) => void>();
  const subscribe = (topic: string): void => {
    client.subscribe(topic, { qos: 1 }, (error) => {
      if (error)
        log.warn({ device: user, topic, error: messageOf(error) }, "the broker lets it hear nothing");
    });
  };
  client.on("connect", () => [...listeners.keys()].forEach(subscribe));
  client.on("message", (topic, payload) => listeners.get(topic)?.(payload));
  return (topic, heard) => {
    listeners.set(topic, heard);
    if (client.connected) subscribe(topic);
  };
}
