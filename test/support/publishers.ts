import { connect, type MqttClient } from "mqtt";

/**
 * Meters as MQTT clients that stamp their own readings (SenML), so that one that is sent again is the same reading.
 * The ledger of what was acknowledged is what a record is held against.
 */
export interface Publisher extends AsyncDisposable {
  readonly id: string;
  /** Time (ms) of each reading that left, in order; its value is its number, from 0. */
  readonly sent: readonly number[];
  /** Numbers of the readings whose PUBACK came. */
  readonly acknowledged: ReadonlySet<number>;
  /** Resolves when `count` more are acknowledged. */
  more(count: number): Promise<void>;
  /** Begins no further reading, and resolves when all are acknowledged. */
  drain(): Promise<void>;
}

export interface PublisherOptions {
  readonly id: string;
  readonly password: string;
  readonly port: number;
  /** Stamps what leaves. */
  readonly now: () => number;
  /** Messages that wait for their PUBACK at once. */
  readonly window?: number;
}

/** After a connection that was lost or refused, ms. */
const PAUSE_MS = 120;

export function openPublisher({ id, password, port, now, window = 20 }: PublisherOptions): Publisher {
  const sent: number[] = [];
  const acknowledged = new Set<number>();
  const unanswered = new Set<number>();
  let waiting: { readonly from: number; resolve(): void }[] = [];
  let [draining, closed] = [false, false];
  let client: MqttClient;

  const send = (number: number): void => {
    const reading = { n: "activeEnergyImport", u: "Wh", v: number, t: Number(sent[number]) / 1000 };
    client.publish(`devices/${id}/pack`, JSON.stringify([reading]), { qos: 1 }, (error) => {
      if (!error) acknowledge(number);
    });
  };
  const fill = (): void => {
    while (!draining && !closed && unanswered.size < window) {
      const number = sent.push(Math.max(Math.floor(now()), (sent.at(-1) ?? 0) + 1)) - 1;
      unanswered.add(number);
      send(number);
    }
  };
  const acknowledge = (number: number): void => {
    acknowledged.add(number);
    unanswered.delete(number);
    const done = waiting.filter(({ from }) => acknowledged.size >= from);
    waiting = waiting.filter((one) => !done.includes(one));
    for (const one of done) one.resolve();
    fill();
  };
  /** A client for each connection: what it had no answer for is sent again by the next one. */
  const dial = (): void => {
    client = connect(`mqtt://127.0.0.1:${port}`, {
      ...{ clientId: id, username: id, password, reconnectPeriod: 0, connectTimeout: 10_000 },
    });
    client.on("error", () => undefined);
    client.once("connect", () => {
      for (const number of unanswered) send(number);
      fill();
    });
    client.once("close", () => void setTimeout(() => closed || dial(), PAUSE_MS));
  };
  dial();

  const until = (from: number): Promise<void> =>
    acknowledged.size >= from
      ? Promise.resolve()
      : new Promise((resolve) => void waiting.push({ from, resolve }));
  return {
    id,
    sent,
    acknowledged,
    more: (count) => until(acknowledged.size + count),
    async drain() {
      draining = true;
      await until(sent.length);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await client.endAsync(true);
    },
  };
}
