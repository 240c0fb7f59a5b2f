import type { Logger } from "./log.ts";

/** What a broker asks of the program that it serves. Everything that is not said yes to is refused. */
export interface BrokerOptions {
  readonly host: string;
  /** 0 takes a free port; `Broker.port` says which. */
  readonly port: number;
  /** The user's name when user and password are right, else undefined. Nobody is anonymous. */
  authenticate(user: string, password: string): Promise<string | undefined> | string | undefined;
  mayPublish(user: string, topic: string): boolean;
  maySubscribe(user: string, filter: string): boolean;
  /**
   * Called for each message before it is acknowledged: PUBACK leaves after the promise resolves. When it rejects,
   * no PUBACK is sent and the client's connection is closed, so that it sends again.
   */
  onMessage(message: BrokerMessage): Promise<void>;
  readonly log: Logger;
}

export interface BrokerMessage {
  readonly user: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export interface Broker extends AsyncDisposable {
  readonly port: number;
  /** Sends to every subscriber of the topic, QoS 1. */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  connectedUsers(): readonly string[];
}
